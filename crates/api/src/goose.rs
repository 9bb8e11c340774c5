//! `spec.goose`: which pods may lead, and which of them first.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health_check::HealthCheck;

/// Which pods may be the Goose, and which of them first.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GooseSettings {
    /// Which pods come first when the role moves: those that the first entry names, then those of
    /// the second, and so on; all others come after them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub priorities: Vec<Choice>,

    /// Pods that are and stay Ducks. If no other pod is left, nobody is Goose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub never: Vec<Choice>,

    /// When the workload of the Goose is too ill to lead; never when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,

    /// Whether the role moves to a better pod, by the priorities, while the Goose is well; `Sticky`
    /// when left out.
    #[serde(default)]
    pub policy: Policy,
}

/// Whether the role moves to a better pod while the Goose is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Policy {
    /// It stays where it is: moving back costs a second change.
    #[default]
    Sticky,
    /// It moves once the better pod has been ready for five leases, and for twice as long with each
    /// time that this pod lost the role within the last hour.
    Prefer,
}

/// Some of the pods: by their ordinal or by their labels.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(ONE_OF_BOTH).message(WRITE_ONE_OF_BOTH))]
pub struct Choice {
    /// The pod with this number at the end of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 999))]
    pub ordinal: Option<i32>,

    /// All pods that bear these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
}

const ONE_OF_BOTH: &str = "has(self.ordinal) != has(self.matchLabels)";
const WRITE_ONE_OF_BOTH: &str = "each entry of spec.goose.priorities and spec.goose.never must have either an ordinal or \
     matchLabels: write for example ordinal: 0";
