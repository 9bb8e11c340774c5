//! The `DuckGooseCluster` custom resource, its labels, annotations and names: no logic.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cluster`] | the resource and its `spec` |
//! | [`lease`] | `spec.lease`: how long the Goose may be silent |
//! | [`goose`] | `spec.goose`: which pods may lead, and which of them first |
//! | [`shared_volume`] | `spec.sharedVolume`: the role for programs that do not speak HTTP |
//! | [`health_check`] | `spec.goose.healthCheck`: when the workload is too ill to lead |
//! | [`hooks`] | `spec.hooks`: what the workload is told of its role |
//! | [`claims`] | `spec.volumeClaimTemplates`: storage of each pod's own |
//! | [`sidecar`] | `spec.sidecar`: who can reach the sidecar |
//! | [`update`] | `spec.update`: how pods are brought to a changed template |
//! | [`status`] | `status`: who leads, how many, conditions and their reasons |
//! | [`pod_template`] | the schema of `spec.template` |
//! | [`crd`] | the CustomResourceDefinition that all of these make |
//! | [`names`] | labels, ports, environment and object names |

#[cfg(feature = "resource")]
pub mod claims;
#[cfg(feature = "resource")]
pub mod cluster;
#[cfg(feature = "resource")]
pub mod crd;
#[cfg(feature = "resource")]
pub mod goose;
#[cfg(feature = "resource")]
pub mod health_check;
#[cfg(feature = "resource")]
pub mod hooks;
#[cfg(feature = "resource")]
pub mod lease;
pub mod names;
#[cfg(feature = "resource")]
pub mod pod_template;
#[cfg(feature = "resource")]
pub mod shared_volume;
#[cfg(feature = "resource")]
pub mod sidecar;
#[cfg(feature = "resource")]
pub mod status;
#[cfg(feature = "resource")]
pub mod update;

#[cfg(feature = "resource")]
pub use cluster::{DuckGooseCluster, DuckGooseClusterSpec};
#[cfg(feature = "resource")]
pub use goose::GooseSettings;
#[cfg(feature = "resource")]
pub use health_check::HealthCheck;
#[cfg(feature = "resource")]
pub use hooks::Hooks;
#[cfg(feature = "resource")]
pub use lease::LeaseSettings;
#[cfg(feature = "resource")]
pub use shared_volume::SharedVolume;
#[cfg(feature = "resource")]
pub use sidecar::SidecarSettings;
#[cfg(feature = "resource")]
pub use status::DuckGooseClusterStatus;
#[cfg(feature = "resource")]
pub use update::UpdateSettings;
