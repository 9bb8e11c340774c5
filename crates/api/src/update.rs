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
}

impl Default for UpdateSettings {
    fn default() -> Self {
        Self { max_unavailable: one() }
    }
}

fn one() -> i32 {
    1
}
