//! Every name that two parts of the product must agree on, once.
//!
//! The annotations of the Lease are not here: they are the wire format of the
//! election, which knows nobody (see `election::lease`).

/// API group of the custom resource, and prefix of every label and annotation.
pub const GROUP: &str = "duckduckgoose.dev";

/// Label of a pod: the cluster that it is a member of.
pub const CLUSTER_LABEL: &str = "duckduckgoose.dev/cluster";

/// Label of a pod: [`GOOSE`] or [`DUCK`]. Only the operator writes it.
pub const ROLE_LABEL: &str = "duckduckgoose.dev/role";

/// Value of [`ROLE_LABEL`] on the one pod that leads.
pub const GOOSE: &str = "goose";

/// Value of [`ROLE_LABEL`] on all other pods.
pub const DUCK: &str = "duck";

/// Annotation of the EndpointSlices of the Goose's Service: the term of the Goose they lead to.
pub const TERM_ANNOTATION: &str = "duckduckgoose.dev/term";

/// Annotation of a cluster: the name of the pod that is to be Goose next. The operator takes it away
/// when that pod is Goose, or when it cannot be, and then an Event says why.
pub const HANDOVER_ANNOTATION: &str = "duckduckgoose.dev/handover";

/// Annotation of a cluster: with the value [`UPGRADE_NOW`] it takes the operator's own sidecar at once,
/// and does not wait for its turn.
pub const UPGRADE_ANNOTATION: &str = "duckduckgoose.dev/upgrade";

/// Value of [`UPGRADE_ANNOTATION`].
pub const UPGRADE_NOW: &str = "now";

/// Annotation of a pod: it is and stays a Duck, whatever the value, unless that is `false`.
pub const FENCED_ANNOTATION: &str = "duckduckgoose.dev/fenced";

/// Name of the native sidecar container that the operator puts into each pod.
pub const SIDECAR_CONTAINER: &str = "duckgoose";

/// Name of the sidecar's port.
pub const SIDECAR_PORT_NAME: &str = "duckgoose";

/// Name of the volume that the sidecar shares with the pod's other containers.
pub const SHARED_VOLUME: &str = "duckgoose-shared";

/// Port of the sidecar's HTTP, the one of the classic leader-elector sidecar.
pub const SIDECAR_PORT: u16 = 4040;

/// Field manager of the operator's server-side apply.
pub const FIELD_MANAGER: &str = "duckduckgoose-operator";

/// Environment of the sidecar: what the operator tells it.
pub mod env {
    /// Name of the cluster, which is the name of its Lease.
    pub const CLUSTER: &str = "DUCKGOOSE_CLUSTER";
    /// Namespace of the pod and of the Lease.
    pub const NAMESPACE: &str = "DUCKGOOSE_NAMESPACE";
    /// Name of the pod.
    pub const POD: &str = "DUCKGOOSE_POD";
    /// `metadata.uid` of the pod.
    pub const POD_UID: &str = "DUCKGOOSE_POD_UID";
    /// Address to serve HTTP on, or `localhost:` and a port; `[::]:4040` when absent.
    pub const LISTEN: &str = "DUCKGOOSE_LISTEN";
    /// File of the container's termination message; `/dev/termination-log` when absent.
    pub const TERMINATION_LOG: &str = "DUCKGOOSE_TERMINATION_LOG";
    /// `off` to refuse `POST /handover`; `on` when absent.
    pub const HANDOVER: &str = "DUCKGOOSE_HANDOVER";
    /// Folder, shared with the pod's other containers, for the role file; none when absent.
    pub const FOLDER: &str = "DUCKGOOSE_FOLDER";
    /// For how many milliseconds the role file promises the role at a time; 1000 when absent.
    pub const HOLD: &str = "DUCKGOOSE_HOLD_MS";
    /// What to send to the workload of its role, as JSON; nothing when absent.
    pub const HOOKS: &str = "DUCKGOOSE_HOOKS";
    /// How to find out whether the workload is well, as JSON; not at all when absent.
    pub const HEALTH_CHECK: &str = "DUCKGOOSE_HEALTH_CHECK";
    /// Not told to the sidecar, but to the command of `duckgoose run`: the term it runs in.
    pub const TERM: &str = "DUCKGOOSE_TERM";
}

/// Environment of the operator: what the chart tells it.
pub mod operator_env {
    /// Full reference of the sidecar's image.
    pub const SIDECAR_IMAGE: &str = "DUCKGOOSE_SIDECAR_IMAGE";
    /// `imagePullPolicy` of the sidecar.
    pub const SIDECAR_PULL_POLICY: &str = "DUCKGOOSE_SIDECAR_PULL_POLICY";
    /// How many clusters take a new sidecar at the same time.
    pub const MAX_SIDECAR_UPGRADES: &str = "DUCKGOOSE_MAX_SIDECAR_UPGRADES";
    /// The one namespace to watch; all of them when absent or empty.
    pub const WATCH_NAMESPACE: &str = "DUCKGOOSE_WATCH_NAMESPACE";
    /// Namespace of the operator's own pod.
    pub const OPERATOR_NAMESPACE: &str = "DUCKGOOSE_OPERATOR_NAMESPACE";
    /// Name of the operator's own pod; one that is told none works without an election.
    pub const OPERATOR_POD: &str = "DUCKGOOSE_OPERATOR_POD";
    /// `metadata.uid` of the operator's own pod.
    pub const OPERATOR_POD_UID: &str = "DUCKGOOSE_OPERATOR_POD_UID";
    /// ServiceAccount of the operator's own pod, which owns the Lease of its election.
    pub const OPERATOR_ACCOUNT: &str = "DUCKGOOSE_OPERATOR_ACCOUNT";
    /// `json` or `text`.
    pub const LOG_FORMAT: &str = "DUCKGOOSE_LOG_FORMAT";
    /// The least urgent level to log: `error`, `warn`, `info`, `debug` or `trace`.
    pub const LOG_LEVEL: &str = "DUCKGOOSE_LOG_LEVEL";
    /// Address of the collector to send traces to; none are sent when absent or empty.
    pub const OTLP_ENDPOINT: &str = "DUCKGOOSE_OTLP_ENDPOINT";
}

/// The longest name of a cluster, in characters.
///
/// Labels, Services and pods are named after the cluster, and a label's value has at most 63:
/// `<name>-members` needs 8 more, `<name>-duckgoose` 10, `<name>-goose-ipv6` 11, the StatefulSet's revision label 11.
pub const LONGEST_CLUSTER_NAME: usize = 50;

/// Name of the ServiceAccount, Role and RoleBinding of a cluster's sidecars.
///
/// Not the bare cluster name: a cluster called `default` must not adopt the
/// namespace's default ServiceAccount.
pub fn sidecar_account(cluster: &str) -> String {
    format!("{cluster}-duckgoose")
}

/// Name of the headless Service that gives the members their DNS names.
///
/// Every Service of a cluster ends in a suffix of its own, none is the bare
/// cluster name: so those of `pond` and of `pond-goose` cannot collide.
pub fn members_service(cluster: &str) -> String {
    format!("{cluster}-members")
}

/// Name of the Service that leads to the Goose, and to nobody else.
pub fn goose_service(cluster: &str) -> String {
    format!("{cluster}-goose")
}

/// Name of the Service that leads to the Ducks that are ready.
pub fn ducks_service(cluster: &str) -> String {
    format!("{cluster}-ducks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_leaves_room_for_every_suffix() {
        let name = "x".repeat(LONGEST_CLUSTER_NAME);
        let revision = format!("{name}-0123456789");
        let services = [members_service(&name), goose_service(&name), ducks_service(&name)];
        for derived in services.into_iter().chain([sidecar_account(&name), revision]) {
            assert!(derived.len() <= 63, "{derived} has {} characters", derived.len());
        }
    }
}
