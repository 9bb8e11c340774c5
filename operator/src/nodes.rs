//! Which nodes are cordoned. An eviction that is asked for cannot be seen, but who drains a node
//! cordons it first, or taints it in a way of its own.
//!
//! Nodes belong to no namespace: an operator of one namespace goes without, and there a Goose whose
//! node is drained hands over when its pod ends.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::channel::mpsc::UnboundedSender;
use k8s_openapi::api::core::v1::{Node, NodeSpec, Pod, Taint};
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, ResourceExt};

use crate::decide::pods::node;
use crate::stores::{Scope, WATCH_SECONDS, reconnects};
use crate::wake::{Cluster, Wakes};

/// The nodes, where the operator may see them.
#[derive(Clone)]
pub struct Nodes(Option<Store<Node>>);

impl Nodes {
    /// Watches the nodes, and wakes the clusters with a pod on one that is cordoned, or no longer.
    pub fn watch(
        client: &Client,
        scope: &Scope,
        pods: Store<Pod>,
        wakes: UnboundedSender<Cluster>,
    ) -> Nodes {
        if *scope != Scope::AllNamespaces {
            return Nodes(None);
        }
        let (store, writer) = reflector::store();
        let config = Config::default().timeout(WATCH_SECONDS);
        let mut told = watcher(Api::<Node>::all(client.clone()), config)
            .backoff(reconnects())
            .modify(slim)
            .reflect(writer)
            .boxed();
        tokio::spawn(async move {
            let mut seen = Seen::default();
            while let Some(event) = told.next().await {
                match event {
                    Ok(event) => wake(&wakes, &pods, &seen.observe(&event)),
                    Err(error) => tracing::warn!(kind = "Node", %error, "the watch broke"),
                }
            }
        });
        Nodes(Some(store))
    }

    /// Names of the nodes that these pods are on and that are cordoned.
    pub fn cordoned(&self, pods: &[Arc<Pod>]) -> HashSet<String> {
        let nodes = pods.iter().filter_map(|pod| node(pod));
        nodes.filter(|node| self.is_cordoned(node)).map(str::to_owned).collect()
    }

    fn is_cordoned(&self, name: &str) -> bool {
        let node = self.0.as_ref().and_then(|store| store.get(&ObjectRef::new(name)));
        node.is_some_and(|node| is_cordoned(&node))
    }
}

/// Which nodes were cordoned when they were last seen.
#[derive(Debug, Default)]
struct Seen {
    cordoned: HashMap<String, bool>,
    /// Changed in a list that is still being told.
    listed: Vec<String>,
}

impl Seen {
    /// Names of the nodes that changed. What a list changes is told at its end, when the store
    /// shows it.
    fn observe(&mut self, event: &Event<Node>) -> Vec<String> {
        match event {
            Event::Init | Event::Delete(_) => Vec::new(),
            Event::InitApply(node) => {
                let changed = self.note(node);
                self.listed.extend(changed);
                Vec::new()
            }
            Event::InitDone => std::mem::take(&mut self.listed),
            Event::Apply(node) => self.note(node).into_iter().collect(),
        }
    }

    fn note(&mut self, node: &Node) -> Option<String> {
        let (name, cordoned) = (node.name_any(), is_cordoned(node));
        let before = self.cordoned.insert(name.clone(), cordoned);
        (before.unwrap_or_default() != cordoned).then_some(name)
    }
}

fn wake(wakes: &UnboundedSender<Cluster>, pods: &Store<Pod>, nodes: &[String]) {
    if nodes.is_empty() {
        return;
    }
    let on_them = |pod: &Pod| node(pod).is_some_and(|on| nodes.iter().any(|name| name == on));
    let clusters = pods.state_filter(on_them).into_iter().filter_map(|pod| pod.cluster());
    for cluster in clusters.collect::<HashSet<_>>() {
        // The receiver is gone when the operator ends, and then nobody is to be woken.
        let _ = wakes.unbounded_send(cluster);
    }
}

/// Whether it is cordoned, or about to be emptied all the same.
fn is_cordoned(node: &Node) -> bool {
    let Some(spec) = &node.spec else { return false };
    spec.unschedulable == Some(true) || spec.taints.iter().flatten().any(empties)
}

/// Whether who gave the node this taint is about to empty it.
fn empties(taint: &Taint) -> bool {
    AS_GOOD_AS_A_CORDON.contains(&&*taint.key)
}

/// Nothing else of a node matters, and there may be thousands.
fn slim(node: &mut Node) {
    let spec = node.spec.take().unwrap_or_default();
    let mut taints = spec.taints.unwrap_or_default();
    taints.retain(empties);
    let taints = Some(taints).filter(|taints| !taints.is_empty());
    node.metadata.managed_fields = None;
    node.metadata.annotations = None;
    node.metadata.labels = None;
    node.spec = Some(NodeSpec { unschedulable: spec.unschedulable, taints, ..NodeSpec::default() });
    node.status = None;
}

/// Keys of the taints that autoscalers give a node before they evict its pods, which need not cordon it:
/// the cluster autoscaler's, and Karpenter's.
const AS_GOOD_AS_A_CORDON: [&str; 2] = ["ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cordon_or_its_end_is_a_change() {
        let n1 = |unschedulable| {
            let mut node = Node::default();
            node.metadata.name = Some("n1".into());
            node.spec = Some(NodeSpec { unschedulable, ..NodeSpec::default() });
            node
        };
        let mut seen = Seen::default();
        for (event, changes) in [
            (Event::Init, false),
            (Event::InitApply(n1(Some(true))), false),
            (Event::InitDone, true),
            (Event::Apply(n1(Some(true))), false),
            (Event::Apply(n1(None)), true),
            (Event::Apply(n1(Some(false))), false),
            (Event::Delete(n1(None)), false),
        ] {
            assert_eq!(!seen.observe(&event).is_empty(), changes, "{event:?}");
        }
    }

    #[test]
    fn an_autoscalers_taint_is_as_good_as_a_cordon() {
        for (keys, cordoned) in [
            (vec![], false),
            (vec!["node.kubernetes.io/not-ready"], false),
            (vec!["node.kubernetes.io/not-ready", "karpenter.sh/disrupted"], true),
            (vec!["ToBeDeletedByClusterAutoscaler"], true),
        ] {
            let taints = keys.iter().map(|&key| Taint { key: key.into(), ..Taint::default() });
            let spec = NodeSpec { taints: Some(taints.collect()), ..NodeSpec::default() };
            let mut node = Node { spec: Some(spec), ..Node::default() };
            slim(&mut node);
            assert_eq!(is_cordoned(&node), cordoned, "{keys:?}");
        }
    }
}
