//! `spec.volumeClaimTemplates`: storage of each pod's own, as a StatefulSet has it.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::core::Rule;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

/// The schema of a list of claim templates.
///
/// # Panics
///
/// If the claims of `k8s-openapi` are no longer an object with fields.
pub fn schema(generator: &mut SchemaGenerator) -> Schema {
    let mut claim = generator.subschema_for::<PersistentVolumeClaim>().to_value();
    // Not `required`: its message would be two words long.
    claim.as_object_mut().expect("a claim is an object").remove("required");
    let fields = claim["properties"].as_object_mut().expect("a claim has fields");
    // What a template does not have, and Kubernetes would ignore.
    fields.remove("status");
    let strings = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    fields["metadata"] = json!({
        "description": "Name, labels and annotations of each claim.",
        "type": "object",
        "properties": {
            "name": { "type": "string", "maxLength": 63 },
            "labels": strings,
            "annotations": strings,
        },
    });
    let named = Rule::new("has(self.metadata) && has(self.metadata.name)").message(WRITE_A_NAME);
    claim["x-kubernetes-validations"] = json!([named]);
    drop_descriptions(&mut claim["properties"]["spec"]);
    let schema = json!({
        "description": DESCRIPTION,
        "type": "array",
        "maxItems": 16,
        "items": claim,
    });
    Schema::try_from(schema).expect("a JSON object is a schema")
}

/// They are those of every claim: `kubectl explain pvc.spec` has them.
fn drop_descriptions(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.retain(|key, value| key != "description" || !value.is_string());
    schema.values_mut().for_each(drop_descriptions);
}

const DESCRIPTION: &str = "Storage of each pod's own, as a StatefulSet has it: a claim by the name <name>-<pod> is made from each of these. They cannot be \
     changed later: where they are, the condition Reconciled says so, and all stays as it is.";

const WRITE_A_NAME: &str = "each entry of spec.volumeClaimTemplates must have a metadata.name, by which containers mount it: write for example metadata: {name: data}";
