//! Pods and members that are played: for tests of the operator alone, where real ones would take
//! their time and choose their Goose themselves.
//!
//! A pod that is made is ready at once, and nobody binds it to a node, so that it is gone as soon as
//! it is deleted. A Lease that is to have a Goose has one at once: the pod that a hand-over names,
//! else the first successor, else the pod with the ordinal 0. A member that is Goose stays so until
//! its pod is gone. What was evicted is known to be gone as soon as it has a successor: the disruption
//! controller, which goes by names, would take two minutes where that comes at once. No lease is ever waited out: this elects by knowing all, not by the rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::names::CLUSTER_LABEL;
use election::lease::{Lease as Seen, RECORD};
use election::record::{Incarnation, Record};
use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
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
    let (budgets, budget_news) = follow::<PodDisruptionBudget>(&client);
    let puppeteer = Puppeteer { client, pods, leases, budgets };
    let news = stream::select(stream::select(pod_news, lease_news), budget_news);
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
    budgets: Store<PodDisruptionBudget>,
}

impl Puppeteer {
    /// A write that fails was decided on old news: the next are on their way.
    async fn tend(&self, (namespace, cluster): Id) {
        let pods = self.pods.state_filter(|pod| is_of(pod, &namespace, &cluster));
        for pod in pods.iter().filter(|pod| !is_ready(pod)) {
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
            let status = if is_never_pulled(pod) { not_pulled() } else { ready() };
            let ready = Patch::Merge(status);
            let _ = pods.patch_status(&pod.name_any(), &PatchParams::default(), &ready).await;
        }
        for budget in self.budgets.state_filter(|budget| is_of(budget, &namespace, &cluster)) {
            let gone = replaced(&budget, &pods);
            if !gone.is_empty() {
                let budgets: Api<PodDisruptionBudget> =
                    Api::namespaced(self.client.clone(), &namespace);
                let none: BTreeMap<_, Option<Time>> =
                    gone.into_iter().map(|name| (name, None)).collect();
                let patch = Patch::Merge(json!({ "status": { "disruptedPods": none } }));
                let name = budget.name_any();
                let _ = budgets.patch_status(&name, &PatchParams::default(), &patch).await;
            }
        }
        let lease = self.leases.get(&ObjectRef::new(&cluster).within(&namespace));
        if let Some(elected) = lease.and_then(|lease| elected(&lease, &pods)) {
            let leases: Api<Lease> = Api::namespaced(self.client.clone(), &namespace);
            let _ = leases.replace(&cluster, &PostParams::default(), &elected).await;
        }
    }
}

fn is_of(object: &impl ResourceExt, namespace: &str, cluster: &str) -> bool {
    object.namespace().as_deref() == Some(namespace)
        && object.labels().get(CLUSTER_LABEL).is_some_and(|of| of == cluster)
}

/// The pods that were evicted, and are there again.
fn replaced(budget: &PodDisruptionBudget, pods: &[Arc<Pod>]) -> Vec<String> {
    let evicted = budget.status.iter().flat_map(|status| status.disrupted_pods.iter().flatten());
    let is_back = |(name, since): &(&String, &Time)| {
        let pod = pods.iter().find(|pod| pod.name_any() == **name);
        pod.and_then(|pod| pod.creation_timestamp()).is_some_and(|made| made.0 >= since.0)
    };
    evicted.filter(is_back).map(|(name, _)| name.clone()).collect()
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
    led_by(lease, next)
}

/// The Lease with this pod as its Goose, in a new term.
pub fn led_by(lease: &Lease, goose: &Pod) -> Option<Lease> {
    let version = lease.resource_version()?.parse().ok()?;
    let orders = Seen::from_metadata(&lease.uid()?, version, lease.annotations()).orders;
    let record = Record {
        holder: Incarnation::new(&goose.name_any(), &goose.uid()?, "puppet").ok(),
        term: version,
        attempt: 1,
        duration: orders.timing?.lease(),
        hold: Duration::ZERO,
        released: false,
    };
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

fn is_never_pulled(pod: &Pod) -> bool {
    let mut sidecars = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    sidecars.any(|it| it.image.as_ref().is_some_and(|image| image.ends_with(NEVER_PULLED)))
}

fn not_pulled() -> serde_json::Value {
    json!({ "status": {
        "phase": "Pending",
        "initContainerStatuses": [{
            "name": "duckgoose", "image": NEVER_PULLED, "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ImagePullBackOff" } },
        }],
    }})
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

/// Tag of an image that no pod comes up with.
pub const NEVER_PULLED: &str = "never-pulled";

/// How many clusters are tended at a time.
const HANDS: usize = 16;
