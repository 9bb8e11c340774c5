//! The resource and its `spec`.

use k8s_openapi::api::apps::v1::StatefulSetPersistentVolumeClaimRetentionPolicy;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PodTemplateSpec};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::claims;
use crate::goose::GooseSettings;
use crate::hooks::{CEASING_FITS, Hooks, ceasing_fits};
use crate::lease::LeaseSettings;
use crate::names::LONGEST_CLUSTER_NAME;
use crate::pod_template;
use crate::shared_volume::{HOLD_FITS, SharedVolume, hold_fits};
use crate::sidecar::SidecarSettings;
use crate::status::DuckGooseClusterStatus;
use crate::update::UpdateSettings;

/// What is wanted: how many pods, what runs in them, and how the role is leased.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "duckduckgoose.dev",
    version = "v1alpha1",
    kind = "DuckGooseCluster",
    plural = "duckgooseclusters",
    shortname = "dgc",
    namespaced,
    doc = "A set of pods of which one is the Goose and every other is a Duck. There is never more than one Goose.",
    status = "DuckGooseClusterStatus",
    derive = "PartialEq",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(
        name = "Goose",
        type_ = "string",
        json_path = ".status.goose",
        description = "The pod that is the Goose."
    ),
    printcolumn(
        name = "Term",
        type_ = "integer",
        format = "int64",
        json_path = ".status.term",
        description = "The fencing token: grows with every new Goose."
    ),
    printcolumn(
        name = "Ready",
        type_ = "integer",
        format = "int32",
        json_path = ".status.readyReplicas",
        description = "How many pods are ready."
    ),
    printcolumn(
        name = "Desired",
        type_ = "integer",
        format = "int32",
        json_path = ".spec.replicas",
        description = "How many pods are wanted."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.history[0].reason",
        description = "Why the Goose before this one was replaced.",
        priority = 1
    ),
    printcolumn(
        name = "Changed",
        type_ = "date",
        json_path = ".status.history[0].time",
        description = "When this Goose was first seen.",
        priority = 1
    ),
    validation = Rule::new(name_fits()).message(NAME_FITS),
    validation = Rule::new(hold_fits()).message(HOLD_FITS),
    validation = Rule::new(ceasing_fits()).message(CEASING_FITS),
)]
#[serde(rename_all = "camelCase")]
pub struct DuckGooseClusterSpec {
    /// How many pods there shall be, from 0 to 1000; 3 when left out. One of them is the Goose, all
    /// others are Ducks. `kubectl scale` and a HorizontalPodAutoscaler change it.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,

    /// The pod that is run `replicas` times, as in a Deployment or a StatefulSet. The operator adds
    /// the sidecar `duckgoose` to it, which answers on port 4040 whether this pod is the Goose.
    ///
    /// Fields without a description here are those of every pod: see `kubectl explain pod.spec`.
    #[schemars(schema_with = "pod_template::schema")]
    pub template: PodTemplateSpec,

    /// How the role of the Goose is leased: how long a dead Goose is waited for, and how often
    /// a living one renews.
    #[serde(default)]
    pub lease: LeaseSettings,

    /// Which pods may be the Goose, and which of them first.
    #[serde(default)]
    pub goose: GooseSettings,

    /// How pods are brought to a changed template.
    #[serde(default)]
    pub update: UpdateSettings,

    /// Storage of each pod's own, as a StatefulSet has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "claims::schema")]
    pub volume_claim_templates: Vec<PersistentVolumeClaim>,

    /// What becomes of the claims of a pod that is scaled away, and of a cluster that is deleted:
    /// `Retain` or `Delete` for each of `whenScaled` and `whenDeleted`; kept when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume_claim_retention_policy:
        Option<StatefulSetPersistentVolumeClaimRetentionPolicy>,

    /// The role for programs that do not speak HTTP, and a wrapper that runs a command only while
    /// its pod is the Goose; neither when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_volume: Option<SharedVolume>,

    /// Requests to the workload when its pod becomes the Goose, and when that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Hooks>,

    /// The sidecar that the operator adds to each pod.
    #[serde(default, skip_serializing_if = "SidecarSettings::is_default")]
    pub sidecar: SidecarSettings,

    /// True while nothing is to change by itself: the Goose stays, nobody takes over from it, also
    /// when it dies, its pod is not scaled away, and no pod is updated. False when left out.
    #[serde(default)]
    pub paused: bool,
}

fn default_replicas() -> i32 {
    3
}

/// A letter comes first, as in RFC 1035: the cluster's name begins the names of its Services.
fn name_fits() -> String {
    format!(
        "size(self.metadata.name) <= {LONGEST_CLUSTER_NAME} && \
         self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')"
    )
}

const NAME_FITS: &str = "metadata.name must be at most 50 characters of a-z, 0-9 and '-', begin with a letter and not end \
     with '-', because pods, Services and labels are named after it: write for example pond or pond-2";
