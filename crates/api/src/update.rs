//! `spec.update`: how pods are brought to a changed template.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// How pods are brought to a changed template: Ducks first, and the Goose last, after its role has
/// moved to a pod that is up to date.
#[derive(KubeSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateSettings {
    /// How many pods may be missing or not ready at a time because of an update, from 1 to 1000; 1
    /// when left out.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_unavailable: i32,

    /// For how many seconds a pod must have been ready before it counts as updated, and the next one
    /// is, from 0 to 3600; 5 when left out. A pod that ends soon after it began is noticed so before
    /// the Goose's role moves to it.
    #[serde(default = "five")]
    #[schemars(range(min = 0, max = 3600))]
    pub min_ready_seconds: i32,
}

impl Default for UpdateSettings {
    fn default() -> Self {
        Self { max_unavailable: one(), min_ready_seconds: five() }
    }
}

fn one() -> i32 {
    1
}

fn five() -> i32 {
    5
}
