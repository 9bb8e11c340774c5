//! What is applied to a cluster with nodes: our custom resource, and for the others what somebody would write who
//! puts a leader-election sidecar into a StatefulSet.

use api::names::{CLUSTER_LABEL, SIDECAR_CONTAINER, SIDECAR_PORT};
use serde_json::{Value, json};

use crate::contender::{Contender, Kind};

/// Our custom resource.
pub fn our_cluster(contender: Contender) -> Value {
    let milliseconds = contender.lease.as_millis();
    json!({
        "apiVersion": "duckduckgoose.dev/v1alpha1",
        "kind": "DuckGooseCluster",
        "metadata": { "name": contender.slug() },
        "spec": {
            "replicas": 3,
            "lease": { "duration": format!("{milliseconds}ms"), "renewal": format!("{}ms", milliseconds / 3) },
            "template": { "spec": pod(contender) },
        },
    })
}

/// The account of the others' pods.
pub fn account(contender: Contender) -> Value {
    json!({ "metadata": { "name": contender.slug() } })
}

/// What the account may do.
pub fn role(contender: Contender) -> Value {
    json!({
        "metadata": { "name": contender.slug() },
        "rules": [{
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["get", "create", "update", "patch"],
        }],
    })
}

/// Lets the account do it.
pub fn binding(contender: Contender) -> Value {
    let name = contender.slug();
    json!({
        "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name },
        "subjects": [{ "kind": "ServiceAccount", "name": name }],
    })
}

/// So many pods of the others. The label is the one by which the observer finds members.
pub fn stateful_set(contender: Contender, members: usize) -> Value {
    let name = contender.slug();
    let labels = json!({ CLUSTER_LABEL: name });
    let mut pod = pod(contender);
    pod["serviceAccountName"] = json!(name);
    pod["initContainers"] = json!([sidecar(contender)]);
    json!({
        "metadata": { "name": name },
        "spec": {
            "replicas": members,
            "podManagementPolicy": "Parallel",
            "serviceName": name,
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": pod },
        },
    })
}

/// Name of the image of a contender's sidecar.
pub fn image(kind: Kind) -> String {
    format!("docker.io/duckduckgoose/bench-{}:bench", kind.slug())
}

fn sidecar(contender: Contender) -> Value {
    let field = |path: &str| json!({ "fieldRef": { "fieldPath": path } });
    json!({
        "name": SIDECAR_CONTAINER,
        "image": image(contender.kind),
        "imagePullPolicy": "Never",
        "restartPolicy": "Always",
        "env": [
            { "name": "BENCH_NAMESPACE", "valueFrom": field("metadata.namespace") },
            { "name": "BENCH_POD", "valueFrom": field("metadata.name") },
            { "name": "BENCH_LEASE", "value": contender.slug() },
            { "name": "BENCH_SECONDS", "value": contender.lease.as_secs().to_string() },
        ],
        "readinessProbe": { "httpGet": { "path": "/role", "port": SIDECAR_PORT }, "periodSeconds": 1 },
    })
}

/// A workload that does nothing and ends at once when it is told to; one pod on each node.
fn pod(contender: Contender) -> Value {
    json!({
        "topologySpreadConstraints": [{
            "topologyKey": "kubernetes.io/hostname",
            "maxSkew": 1,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": { "matchLabels": { CLUSTER_LABEL: contender.slug() } },
        }],
        "containers": [{
            "name": "app",
            "image": "busybox:stable",
            "command": ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 3600 & wait; done"],
        }],
    })
}
