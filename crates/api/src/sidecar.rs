//! `spec.sidecar`: who can reach the sidecar.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sidecar that the operator adds to each pod.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SidecarSettings {
    /// Where the sidecar listens on port 4040; `Pod` when left out.
    #[serde(default)]
    pub listen: Listen,
}

impl SidecarSettings {
    /// Whether it is as it is where nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where the sidecar listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Listen {
    /// On all addresses of the pod: other pods may ask for its role, and Services, load balancers and
    /// Prometheus reach it.
    #[default]
    Pod,
    /// On loopback alone: only the pod's own containers can ask, and whoever may forward its port. The
    /// kubelet's probes run a command in the sidecar.
    Loopback,
}
