//! The CustomResourceDefinition that all of these make.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

use crate::DuckGooseCluster;

/// The finished CustomResourceDefinition.
pub fn crd() -> CustomResourceDefinition {
    DuckGooseCluster::crd()
}
