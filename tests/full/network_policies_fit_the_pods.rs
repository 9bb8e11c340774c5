//! The NetworkPolicies that the documents show, read against real pods and the real API server's
//! address: they are for the right pods, let through what is needed, and hold back a stranger.
//!
//! Nothing here carries policies out, so it is a reading of them and not a plugin's doing. The kubelet's
//! probes are not asked for: a policy does not come between a node and its own pods.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use api::names::{SIDECAR_PORT, SIDECAR_PORT_NAME};
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt;
use serde_json::Value;
use stage::page::blocks;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(2)).await?;
    let member = stage.all::<Pod>().get(&goose.pod).await?;
    let operators = "get pods --selector app.kubernetes.io/component=operator -o json";
    let operator = stage.kubectl(&format!("-n {THEIRS} {operators}")).await?;
    let operator: Value = serde_json::from_str(&operator)?;
    let operator: Pod = serde_json::from_value(operator["items"][0].clone())?;
    let (sidecar, metrics) = (port(&member, SIDECAR_PORT_NAME)?, port(&operator, "http")?);
    ensure!(sidecar == i64::from(SIDECAR_PORT), "wanted the sidecar's port, found {sidecar}");

    let server = stage.kubectl("-n default get endpointslice kubernetes -o json").await?;
    let server: Value = serde_json::from_str(&server)?;
    let address = server["endpoints"][0]["addresses"][0].as_str().context("wanted an address")?;
    let https = server["ports"][0]["port"].as_i64().context("wanted a port")?;
    let api = Peer { name: "the API server", namespace: "", address };

    let shown = [blocks(HOW_TO, "yaml"), blocks(SECURITY, "yaml")].concat();
    let mut policies = Vec::new();
    for block in shown.into_iter().filter(|block| block.contains("kind: NetworkPolicy")) {
        let file = stage.file("network-policy.yaml")?;
        std::fs::write(&file, block.replace(EXAMPLE_ADDRESS, address))?;
        let namespace = if block.contains(THEIRS) { THEIRS } else { &stage.namespace };
        let read = format!("-n {namespace} create --dry-run=client -o json -f {}", file.display());
        policies.push(serde_json::from_str::<Value>(&stage.kubectl(&read).await?)?);
    }
    let [members, of_operator, role] = &policies[..] else {
        anyhow::bail!("wanted three policies in the documents, found {}", policies.len())
    };

    for (policy, for_whom, not_for) in [
        (members, &member, &operator),
        (of_operator, &operator, &member),
        (role, &member, &operator),
    ] {
        let selects = |pod: &Pod| fits(&policy["spec"]["podSelector"], pod.labels());
        ensure!(selects(for_whom) && !selects(not_for), "for the wrong pods: {policy}");
    }
    for (policy, (rules, peers), peer, port, wanted) in [
        (members, EGRESS, &api, https, true),
        (members, EGRESS, &STRANGER, https, false),
        (members, INGRESS, &PROMETHEUS, sidecar, true),
        (members, INGRESS, &NEIGHBOUR, WORKLOAD, true),
        (members, INGRESS, &NEIGHBOUR, sidecar, false),
        (members, INGRESS, &STRANGER, sidecar, false),
        (of_operator, EGRESS, &api, https, true),
        (of_operator, EGRESS, &STRANGER, https, false),
        (of_operator, INGRESS, &PROMETHEUS, metrics, true),
        (of_operator, INGRESS, &STRANGER, metrics, false),
        (role, INGRESS, &NEIGHBOUR, sidecar, true),
        (role, INGRESS, &STRANGER, sidecar, false),
        (role, INGRESS, &STRANGER, WORKLOAD, true),
    ] {
        let rules = policy["spec"][rules].as_array().context("wanted rules")?;
        let found = rules.iter().any(|rule| lets_through(rule, peers, peer, port));
        let what = format!("{peers} {}, port {port}", peer.name);
        ensure!(found == wanted, "{what}: wanted {wanted}, found {found} by {policy}");
    }
    pond.judge()?;
    Ok(())
}

/// The other end of a connection: a pod without labels, in the policy's own namespace, in another, or
/// in none.
struct Peer<'end> {
    name: &'static str,
    namespace: &'static str,
    address: &'end str,
}

fn lets_through(rule: &Value, peers: &str, peer: &Peer<'_>, port: i64) -> bool {
    let any = |list: &Value, is: &dyn Fn(&Value) -> bool| match list.as_array() {
        Some(list) => list.iter().any(is),
        None => true, // What is not named is not asked for.
    };
    any(&rule["ports"], &|its| its["port"].as_i64() == Some(port))
        && any(&rule[peers], &|its| is_named(its, peer))
}

fn is_named(by: &Value, peer: &Peer<'_>) -> bool {
    if let Some(range) = by["ipBlock"]["cidr"].as_str() {
        return range.strip_suffix("/32") == Some(peer.address);
    }
    let its = BTreeMap::from([(NAMESPACE_NAME.to_owned(), peer.namespace.to_owned())]);
    match &by["namespaceSelector"] {
        Value::Null => peer.namespace == OWN && fits(&by["podSelector"], &BTreeMap::new()),
        selector => by["podSelector"].is_null() && fits(selector, &its),
    }
}

/// Of the ways to select, the documents' policies have labels alone.
fn fits(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let Some(parts) = selector.as_object() else { return false };
    parts.iter().all(|(kind, wanted)| {
        let mut wanted = wanted.as_object().into_iter().flatten();
        kind == "matchLabels"
            && wanted.all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str())
    })
}

/// A port that a container of the pod declares by this name.
fn port(pod: &Pod, name: &str) -> Result<i64> {
    let spec = pod.spec.as_ref().context("wanted a spec")?;
    let containers = spec.init_containers.iter().flatten().chain(&spec.containers);
    let mut ports = containers.flat_map(|Container { ports, .. }| ports.iter().flatten());
    let port = ports.find(|port| port.name.as_deref() == Some(name));
    Ok(i64::from(port.with_context(|| format!("wanted a port {name}"))?.container_port))
}

const HOW_TO: &str = include_str!("../../docs/how-to/network-policy.md");

const SECURITY: &str = include_str!("../../docs/security.md");

/// In place of which who reads the page puts the API server's.
const EXAMPLE_ADDRESS: &str = "192.0.2.10";

/// The operator's namespace.
const THEIRS: &str = "duckduckgoose-system";

const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

const OWN: &str = "own";

/// Of the workload, in the examples.
const WORKLOAD: i64 = 8080;

/// Where rules stand in a policy, and their peers in a rule.
const INGRESS: (&str, &str) = ("ingress", "from");

const EGRESS: (&str, &str) = ("egress", "to");

const PROMETHEUS: Peer<'_> =
    Peer { name: "Prometheus", namespace: "monitoring", address: "198.51.100.1" };

const NEIGHBOUR: Peer<'_> = Peer { name: "a neighbour", namespace: OWN, address: "198.51.100.2" };

const STRANGER: Peer<'_> =
    Peer { name: "a stranger", namespace: "elsewhere", address: "198.51.100.3" };
