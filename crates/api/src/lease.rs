//! `spec.lease`: how long the Goose may be silent.

use std::time;

use kube::KubeSchema;
use kube::core::Duration;
use serde::{Deserialize, Serialize};

/// How the role of the Goose is leased. The shorter, the sooner a dead Goose is replaced, and the
/// more often a living one writes to the API server.
#[derive(KubeSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseSettings {
    /// How long a Duck waits before it takes the role of a Goose that no longer renews, from 2s to
    /// 60s, as a number with a unit, for example 6s. A Goose that cannot renew stops being Goose a
    /// little before that.
    #[serde(default = "default_duration")]
    pub duration: Duration,

    /// How often the Goose renews, from 200ms to a third of `duration`, so that at least three
    /// attempts fit before it must step down.
    #[serde(default = "default_renewal")]
    pub renewal: Duration,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self {
            duration: default_duration(),
            renewal: default_renewal(),
        }
    }
}

fn default_duration() -> Duration {
    time::Duration::from_secs(6).into()
}

fn default_renewal() -> Duration {
    time::Duration::from_secs(2).into()
}
