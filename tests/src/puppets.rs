//! Pods and members that are played: for tests of the operator alone, where real ones would take
//! their time and choose their Goose themselves.
//!
//! A pod that is made is ready at once, and nobody binds it to a node, so that it is gone as soon as
//! it is deleted. A Lease that is to have a Goose has one at once: the pod that a hand-over names,
//! else the first successor, else the pod with the ordinal 0. A member that is Goose stays so until
//! its pod is gone. No lease is ever waited out: this elects by knowing all, not by the rules.

use std::sync::Arc;

use api::names::CLUSTER_LABEL;
use election::lease::{Lease as Seen, RECORD};
use election::record::{Incarnation, Record};
use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::task::JoinHandle;

/// Plays all pods and all members of all clusters until it is dropped.
#[derive(Debug)]
pub struct Puppets(JoinHandle<()>);

impl Puppets {
    /// Begins to play, in all namespaces.
    pub fn play(client: Client) -> Self {
        Self(tokio::spawn(play(client)))
    }
}

impl Drop for Puppets {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The namespace and the name of a cluster.
type Id = (String, String);

async fn play(client: Client) {
    let (pods, pod_news) = follow::<Pod>(&client);
    let (leases, lease_news) = follow::<Lease>(&client);
    let puppeteer = Puppeteer { client, pods, leases };
    let news = stream::select(pod_news, lease_news);
    news.for_each_concurrent(HANDS, |cluster| puppeteer.tend(cluster)).await;
}

/// A store, and the clusters of what changes in it.
fn follow<K>(client: &Client) -> (Store<K>, impl Stream<Item = Id> + use<K>)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned,
    K: std::fmt::Debug + Send + Sync + 'static,
{
    let (store, writer) = reflector::store();
    let members = watcher::Config::default().labels(CLUSTER_LABEL);
    let events = watcher(Api::<K>::all(client.clone()), members).default_backoff().reflect(writer);
    // It goes on by itself after an error.
    let changed = events.filter_map(|event| async move {
        match event {
            Ok(Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) => {
                let cluster = object.labels().get(CLUSTER_LABEL)?;
                Some((object.namespace()?, cluster.clone()))
            }
            _ => None,
        }
    });
    (store, changed)
}

struct Puppeteer {
    client: Client,
    pods: Store<Pod>,
    leases: Store<Lease>,
}

impl Puppeteer {
    /// A write that fails was decided on old news: the next are on their way.
    async fn tend(&self, (namespace, cluster): Id) {
        let is_member = |pod: &Pod| {
            pod.namespace().as_ref() == Some(&namespace)
                && pod.labels().get(CLUSTER_LABEL) == Some(&cluster)
        };
        let pods = self.pods.state_filter(is_member);
        for pod in pods.iter().filter(|pod| !is_ready(pod)) {
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
            let ready = Patch::Merge(ready());
            let _ = pods.patch_status(&pod.name_any(), &PatchParams::default(), &ready).await;
        }
        let lease = self.leases.get(&ObjectRef::new(&cluster).within(&namespace));
        if let Some(elected) = lease.and_then(|lease| elected(&lease, &pods)) {
            let leases: Api<Lease> = Api::namespaced(self.client.clone(), &namespace);
            let _ = leases.replace(&cluster, &PostParams::default(), &elected).await;
        }
    }
}

/// The Lease with another holder, if it is to have one.
fn elected(lease: &Lease, pods: &[Arc<Pod>]) -> Option<Lease> {
    let version = lease.resource_version()?.parse().ok()?;
    let seen = Seen::from_metadata(&lease.uid()?, version, lease.annotations());
    let record = seen.record.ok().filter(|_| seen.stamped)?;
    let orders = seen.orders;
    let of_uid = |uid: &str| pods.iter().find(|pod| pod.uid().as_deref() == Some(uid));
    let next = match record.holder.and_then(|holder| of_uid(holder.pod_uid())) {
        Some(goose) => {
            let order = orders.handover.filter(|order| order.term == record.term)?;
            of_uid(&order.to).filter(|next| next.uid() != goose.uid())?
        }
        None => orders.successors.iter().find_map(|uid| of_uid(uid)).or_else(|| first(pods))?,
    };
    let holder = Incarnation::new(&next.name_any(), &next.uid()?, "puppet").ok()?;
    let (duration, hold) = (orders.timing?.lease(), std::time::Duration::ZERO);
    let record =
        Record { holder: Some(holder), term: version, attempt: 1, duration, hold, released: false };
    let mut lease = lease.clone();
    lease.annotations_mut().insert(RECORD.to_owned(), record.to_text());
    Some(lease)
}

fn first(pods: &[Arc<Pod>]) -> Option<&Arc<Pod>> {
    pods.iter().find(|pod| pod.name_any().ends_with("-0"))
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|it| it.type_ == "Ready" && it.status == "True")
}

fn ready() -> serde_json::Value {
    json!({ "status": {
        "phase": "Running",
        "podIP": "192.0.2.1",
        "podIPs": [{ "ip": "192.0.2.1" }],
        "conditions": [
            { "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" },
        ],
    }})
}

/// How many clusters are tended at a time.
const HANDS: usize = 16;
