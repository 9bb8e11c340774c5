//! The schema of `spec.template`.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use schemars::{Schema, SchemaGenerator};

/// The schema of a pod template.
pub fn schema(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<PodTemplateSpec>()
}
