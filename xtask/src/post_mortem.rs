//! What a person would look at first after a failure on a cluster.

use crate::clients::Clients;
use crate::command::last_lines;
use crate::generated::{NAMESPACE, RELEASE};
use crate::screen::Screen;

/// Prints how the product and the cluster are.
pub async fn tell(clients: &Clients, screen: &Screen) {
    let operator = format!("deployment/{RELEASE}");
    let questions: [&[&str]; 4] = [
        &["get", "duckgooseclusters,leases", "--all-namespaces"],
        &["get", "pods", "--all-namespaces", "--output", "wide"],
        &["get", "events", "--all-namespaces", "--sort-by", ".lastTimestamp"],
        &["--namespace", NAMESPACE, "logs", &operator, "--tail", "30"],
    ];
    for question in questions {
        screen.line(format!("\nkubectl {}", question.join(" ")));
        match clients.kubectl(question).await {
            Ok(answer) => screen.line(last_lines(&answer, 30)),
            Err(error) => screen.line(format!("{error:#}")),
        }
    }
}
