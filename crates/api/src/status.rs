//! `status`: who leads, how many there are, conditions and their reasons.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use kube::core::Duration;
use serde::{Deserialize, Serialize};

/// What the operator has last seen.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DuckGooseClusterStatus {
    /// The pod that is the Goose; absent while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goose: Option<String>,

    /// The fencing token of the Goose, or of the last one while there is none. It grows with every
    /// new Goose and never goes back: whoever has seen a term should refuse orders of a lower one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<i64>,

    /// How many pods the cluster has.
    #[serde(default)]
    pub replicas: i32,

    /// How many of them are ready.
    #[serde(default)]
    pub ready_replicas: i32,

    /// How many pods are labelled as Ducks: all members but the Goose, ready or not.
    #[serde(default)]
    pub ducks: i32,

    /// Selects the pods of the cluster, for `kubectl scale` and autoscalers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,

    /// The `metadata.generation` of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The longest `spec.lease.duration` that this cluster has ever used. It never shrinks: an
    /// old Goose may still count on it, so a new Lease is waited out for this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_lease: Option<Duration>,

    /// The last ten Geese and how each came to be, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<GooseChange>,

    /// Whether the cluster does what it is for, in the standard form: see the condition types
    /// Available, Progressing and Reconciled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// A Goose, and how it came to be.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GooseChange {
    /// When the operator saw it.
    pub time: Time,

    /// The pod that became Goose.
    pub goose: String,

    /// Its fencing token.
    pub term: i64,

    /// In one word, why the Goose before it was replaced.
    pub reason: String,

    /// How long there was none, at the most: from the last sign of the Goose before, which is its
    /// last renewal or its release, until this one. Absent where nobody saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_goose: Option<Duration>,
}

/// How many changes [`DuckGooseClusterStatus::history`] tells of.
pub const LONGEST_HISTORY: usize = 10;

/// Reasons of [`GooseChange`].
pub mod goose_change {
    /// There was no Goose before.
    pub const FIRST_GOOSE: &str = "FirstGoose";
    /// The Goose before gave its role up on purpose.
    pub const HANDED_OVER: &str = "HandedOver";
    /// The process of the Goose before is known to be dead.
    pub const DEATH_CONFIRMED: &str = "DeathConfirmed";
    /// The Goose before renewed no more, and its lease was waited out.
    pub const LEASE_RAN_OUT: &str = "LeaseRanOut";
    /// It happened while no operator looked.
    pub const NOT_SEEN: &str = "NotSeen";
}

/// Types of [`DuckGooseClusterStatus::conditions`].
pub mod condition {
    /// There is a Goose and its pod is ready. False when that has not been so for longer than one
    /// lease, so that an ordinary change of Goose does not flap it.
    pub const AVAILABLE: &str = "Available";

    /// Pods are coming, going or being replaced.
    pub const PROGRESSING: &str = "Progressing";

    /// `spec.paused` is true: the Goose stays, and nobody takes over.
    pub const PAUSED: &str = "Paused";

    /// All objects of the cluster are as its spec wants them. False, with the API server's own
    /// words, where the operator may not or cannot make them so; running pods are left alone.
    pub const RECONCILED: &str = "Reconciled";

    /// The Goose keeps its role though its workload is ill, by `spec.goose.healthCheck`: no other
    /// pod is ready, or it has handed over not long ago, or `whenIll` is Report.
    pub const GOOSE_ILL: &str = "GooseIll";
}

/// Reasons of [`condition::AVAILABLE`].
pub mod available {
    /// True: there is a Goose and its pod is ready.
    pub const GOOSE_READY: &str = "GooseReady";
    /// False: there is a Goose, but its pod is not ready.
    pub const GOOSE_NOT_READY: &str = "GooseNotReady";
    /// False: no pod is Goose, although there should be pods.
    pub const NO_GOOSE: &str = "NoGoose";
    /// False: `spec.replicas` is 0.
    pub const SCALED_TO_ZERO: &str = "ScaledToZero";
    /// Unknown: a new cluster, whose first Goose waits for one lease to pass.
    pub const WAITING_FOR_FIRST_GOOSE: &str = "WaitingForFirstGoose";
}

/// Reasons of [`condition::PROGRESSING`].
pub mod progressing {
    /// True: not all pods are there, up to date and ready.
    pub const PODS_CHANGING: &str = "PodsChanging";
    /// False: all are.
    pub const COMPLETE: &str = "Complete";
    /// False: all are, with the sidecar of another version of the operator; its own waits for the
    /// cluster's turn.
    pub const UPGRADE_WAITS: &str = "UpgradeWaits";
    /// False: a pod of the newest template does not come up. No more pods are updated until it
    /// does, or until the template is mended.
    pub const POD_NOT_READY: &str = "PodNotReady";
}

/// Reasons of [`condition::PAUSED`].
pub mod paused {
    /// True: the spec says so.
    pub const PAUSED_BY_SPEC: &str = "PausedBySpec";
    /// False: the spec does not.
    pub const NOT_PAUSED: &str = "NotPaused";
}

/// Reasons of [`condition::RECONCILED`].
pub mod reconciled {
    /// True: everything is as the spec wants it.
    pub const UP_TO_DATE: &str = "UpToDate";
    /// False: the API server refused an object, for example a template that only it can judge.
    pub const OBJECT_REFUSED: &str = "ObjectRefused";
    /// False: an object of a needed name exists and belongs to somebody else.
    pub const NAME_TAKEN: &str = "NameTaken";
    /// False: the operator lacks a permission.
    pub const FORBIDDEN: &str = "Forbidden";
    /// False: pods of a deleted cluster of the same name are still running.
    pub const PREDECESSOR_RUNNING: &str = "PredecessorRunning";
    /// False: the Lease's record is in the format of a later version.
    pub const RECORD_NOT_UNDERSTOOD: &str = "RecordNotUnderstood";
    /// False: `spec.lease` cannot be followed.
    pub const LEASE_NOT_POSSIBLE: &str = "LeaseNotPossible";
}

/// Reasons of [`condition::GOOSE_ILL`].
pub mod goose_ill {
    /// True: its sidecar says so, in words.
    pub const WORKLOAD_ILL: &str = "WorkloadIll";
    /// False: the sidecar of the Goose says nothing like it, or there is no Goose.
    pub const NOT_ILL: &str = "NotIll";
    /// False: there is no `spec.goose.healthCheck`.
    pub const NOT_CHECKED: &str = "NotChecked";
}
