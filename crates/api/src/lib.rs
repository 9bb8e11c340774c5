//! The `DuckGooseCluster` custom resource, its labels, annotations and names: no logic.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cluster`] | the resource and its `spec` |
//! | [`lease`] | `spec.lease`: how long the Goose may be silent |
//! | [`status`] | `status`: who leads, how many, conditions and their reasons |
//! | [`pod_template`] | the schema of `spec.template` |
//! | [`crd`] | the CustomResourceDefinition that all of these make |
//! | [`names`] | labels, ports, environment and object names |

pub mod cluster;
pub mod crd;
pub mod lease;
pub mod names;
pub mod pod_template;
pub mod status;

pub use cluster::{DuckGooseCluster, DuckGooseClusterSpec};
pub use lease::LeaseSettings;
pub use status::DuckGooseClusterStatus;
