//! What the parts of a run wrote, for whoever looks into a failure.

use std::fs;
use std::path::Path;

use crate::clients::Clients;
use crate::generated::{NAMESPACE, RELEASE};

/// Writes the logs of sidecars and operator, and what Kubernetes says, into a folder. What cannot be
/// had says so in its place.
pub async fn keep(clients: &Clients, namespace: &str, folder: &Path) {
    if fs::create_dir_all(folder).is_err() {
        return;
    }
    let operator = format!("deployment/{RELEASE}");
    let all_pods = "--prefix=true";
    // The namespace has no other.
    let members = api::names::CLUSTER_LABEL;
    let questions: [(&str, &[&str]); 5] = [
        ("operator.log", &["-n", NAMESPACE, "logs", &operator, "--all-pods", all_pods]),
        (
            "sidecars.log",
            &["-n", namespace, "logs", "-l", members, "-c", "duckgoose", "--tail=-1", all_pods],
        ),
        (
            "sidecars-before.log",
            &[
                "-n",
                namespace,
                "logs",
                "-l",
                members,
                "-c",
                "duckgoose",
                "--tail=-1",
                all_pods,
                "--previous",
            ],
        ),
        ("pods.txt", &["-n", namespace, "get", "pods,leases,dgc", "-o", "yaml"]),
        ("events.txt", &["-n", namespace, "get", "events", "--sort-by=.lastTimestamp"]),
    ];
    for (file, question) in questions {
        let answer = clients.kubectl(question).await.unwrap_or_else(|error| format!("{error:#}"));
        // A log that cannot be written is missed by its reader, not by the verdict.
        let _ = fs::write(folder.join(file), answer);
    }
}
