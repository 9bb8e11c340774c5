//! What the API server told: one watch per kind, all label-selected, and the stores they fill.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use api::DuckGooseCluster;
use api::names::{CLUSTER_LABEL, FIELD_MANAGER, SIDECAR_CONTAINER};
use backon::ExponentialBuilder;
use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    ContainerStatus, Pod, PodSpec, PodStatus, Service, ServiceAccount,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, ExponentialBackoff, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::death::Deaths;
use crate::decide::object::keep_fingerprint;
use crate::decide::traffic::SLICE_MANAGED_BY_LABEL;
use crate::decide::upgrade::{has_turn, is_told};
use crate::id::Id;
use crate::kept::Kept;
use crate::nodes::Nodes;
use crate::reigns::Reigns;
use crate::wake::{Changes, Cluster, Wakes};

/// A kind of object that lives in a namespace and that the operator can apply.
pub trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
    + Send
    + Sync
    + 'static
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
        + Send
        + Sync
        + 'static
{
}

/// Where the operator works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    AllNamespaces,
    /// In this one namespace.
    Namespace(String),
}

/// All that the operator knows of the API server's objects. May lag behind: a decision made on an
/// old version costs a conflict and no more.
#[derive(Clone)]
pub struct Stores {
    /// The clusters.
    pub clusters: Store<DuckGooseCluster>,
    /// Their Leases.
    pub leases: Store<Lease>,
    /// Their pods, of whose `spec` only the node is kept, and of their containers those that are not well.
    pub pods: Store<Pod>,
    /// Their StatefulSets, of whose `spec` only the way of updates is kept.
    pub stateful_sets: Store<StatefulSet>,
    /// Where their Services for the Goose lead to.
    pub slices: Store<EndpointSlice>,
    /// Their Services. These, and all below, are only applied.
    pub services: Store<Kept<Service>>,
    /// Their disruption budgets.
    pub budgets: Store<Kept<PodDisruptionBudget>>,
    /// The accounts of their sidecars.
    pub accounts: Store<Kept<ServiceAccount>>,
    /// What these accounts may do.
    pub roles: Store<Kept<Role>>,
    /// And that they may.
    pub role_bindings: Store<Kept<RoleBinding>>,
    /// What was followed of their holders, and of the holders' deaths.
    pub deaths: Arc<Deaths>,
    /// And of how each of them came to lead.
    pub reigns: Arc<Reigns>,
    /// The nodes that pods are on.
    pub nodes: Nodes,
    /// Who is told of a cluster that is to be looked at.
    wakes: UnboundedSender<Cluster>,
}

impl Scope {
    /// The objects of this kind in the scope.
    pub fn api<K: Kind>(&self, client: &Client) -> Api<K> {
        match self {
            Scope::AllNamespaces => Api::all(client.clone()),
            Scope::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }
}

/// Watches all that clusters are made from, for as long as the process lives. The receiver is
/// told which clusters to look at.
pub fn watch(client: &Client, scope: &Scope) -> (Stores, UnboundedReceiver<Cluster>) {
    let (wakes, wake) = mpsc::unbounded();
    let all = || watcher::Config::default().page_size(OBJECTS_AT_ONCE);
    let of_clusters = || all().labels(CLUSTER_LABEL);
    // Kubernetes' own slices of our Services have the cluster's label, too.
    let own_slices =
        all().labels(&format!("{CLUSTER_LABEL},{SLICE_MANAGED_BY_LABEL}={FIELD_MANAGER}"));
    let deaths = Arc::new(Deaths::default());
    let (of_leases, of_pods) = (deaths.clone(), deaths.clone());
    let reigns = Arc::new(Reigns::default());
    let of_reigns = reigns.clone();
    let pods = reflect_telling(client, scope, of_clusters(), slim_pod, &wakes, move |event| {
        of_pods.note(event)
    });
    let stores = Stores {
        nodes: Nodes::watch(client, scope, pods.clone(), wakes.clone()),
        clusters: reflect(client, scope, all(), slim_cluster, &wakes),
        leases: reflect_telling(client, scope, of_clusters(), slim, &wakes, move |event| {
            of_leases.follow(event);
            of_reigns.follow(event);
        }),
        pods,
        stateful_sets: reflect(client, scope, of_clusters(), slim_set, &wakes),
        slices: reflect(client, scope, own_slices, slim, &wakes),
        services: keep(client, scope, of_clusters(), &wakes),
        budgets: keep(client, scope, of_clusters(), &wakes),
        accounts: keep(client, scope, of_clusters(), &wakes),
        roles: keep(client, scope, of_clusters(), &wakes),
        role_bindings: keep(client, scope, of_clusters(), &wakes),
        deaths,
        reigns,
        wakes,
    };
    (stores, wake)
}

impl Stores {
    /// Returns when each store holds all that there is.
    pub async fn wait_until_ready(&self) {
        // The only error is that a watch ended before, and watches never end.
        let _ = tokio::join!(
            self.clusters.wait_until_ready(),
            self.leases.wait_until_ready(),
            self.pods.wait_until_ready(),
            self.stateful_sets.wait_until_ready(),
            self.slices.wait_until_ready(),
            self.services.wait_until_ready(),
            self.budgets.wait_until_ready(),
            self.accounts.wait_until_ready(),
            self.roles.wait_until_ready(),
            self.role_bindings.wait_until_ready(),
        );
    }

    /// The clusters whose StatefulSets are being upgraded.
    pub fn upgrading(&self) -> Vec<Id> {
        let sets = self.stateful_sets.state().into_iter().filter(|set| has_turn(set));
        let clusters = sets.filter_map(|set| self.clusters.get(&set.cluster()?));
        let clusters = clusters.filter(|it| it.metadata.deletion_timestamp.is_none());
        clusters.map(|it| Id::of(&*it)).collect()
    }

    /// Sees to it that the cluster is looked at.
    pub fn look_at(&self, cluster: Cluster) {
        wake(&self.wakes, vec![cluster]);
    }

    /// All pods with the cluster's label.
    pub fn pods_of(&self, cluster: &str, namespace: &str) -> Vec<Arc<Pod>> {
        let cluster = ObjectRef::new(cluster).within(namespace);
        self.pods.state_filter(|pod| pod.cluster().as_ref() == Some(&cluster))
    }

    /// The EndpointSlices of the Service for the Goose.
    pub fn slices_of(&self, cluster: &str, namespace: &str) -> Vec<Arc<EndpointSlice>> {
        let cluster = ObjectRef::new(cluster).within(namespace);
        self.slices.state_filter(|slice| slice.cluster().as_ref() == Some(&cluster))
    }
}

/// The object of this name in the store.
pub fn named<K: Kind>(store: &Store<K>, name: &str, namespace: &str) -> Option<Arc<K>> {
    store.get(&ObjectRef::new(name).within(namespace))
}

fn reflect<K: Kind + Wakes<DynamicType = ()>>(
    client: &Client,
    scope: &Scope,
    config: watcher::Config,
    slim: fn(&mut K),
    wakes: &UnboundedSender<Cluster>,
) -> Store<K>
where
    K::DynamicType: Eq + Hash,
{
    reflect_telling(client, scope, config, slim, wakes, |_| ())
}

/// As [`reflect`], and tells each event in its turn before it wakes anybody.
fn reflect_telling<K: Kind + Wakes<DynamicType = ()>>(
    client: &Client,
    scope: &Scope,
    config: watcher::Config,
    slim: fn(&mut K),
    wakes: &UnboundedSender<Cluster>,
    tell: impl Fn(&Event<K>) + Send + 'static,
) -> Store<K>
where
    K::DynamicType: Eq + Hash,
{
    let (store, mut writer) = reflector::store();
    follow(client, scope, config, slim, wakes, move |event| {
        writer.apply_watcher_event(event);
        tell(event);
    });
    store
}

/// As [`reflect`], of objects that are only applied.
fn keep<K: Kind + Wakes<DynamicType = ()>>(
    client: &Client,
    scope: &Scope,
    config: watcher::Config,
    wakes: &UnboundedSender<Cluster>,
) -> Store<Kept<K>> {
    let (store, mut writer) = reflector::store();
    follow(client, scope, config, keep_fingerprint, wakes, move |event| {
        writer.apply_watcher_event(&Kept::of_event(event));
    });
    store
}

/// Tells each event in its turn before it wakes anybody.
fn follow<K: Kind + Wakes<DynamicType = ()>>(
    client: &Client,
    scope: &Scope,
    config: watcher::Config,
    slim: fn(&mut K),
    wakes: &UnboundedSender<Cluster>,
    mut tell: impl FnMut(&Event<K>) + Send + 'static,
) {
    let wakes = wakes.clone();
    let mut told = watcher(scope.api::<K>(client), config.timeout(WATCH_SECONDS))
        .backoff(reconnects())
        .modify(slim)
        .boxed();
    tokio::spawn(async move {
        let mut changes = Changes::default();
        while let Some(event) = told.next().await {
            match event {
                Ok(event) => {
                    tell(&event);
                    wake(&wakes, changes.observe(&event));
                }
                Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "the watch broke"),
            }
        }
    });
}

fn wake(wakes: &UnboundedSender<Cluster>, clusters: Vec<Cluster>) {
    for cluster in clusters {
        // The receiver is gone when the operator ends, and then nobody is to be woken.
        let _ = wakes.unbounded_send(cluster);
    }
}

fn slim(object: &mut impl Resource) {
    object.meta_mut().managed_fields = None;
}

/// What kubectl keeps for itself is as long as the whole object.
fn slim_cluster(cluster: &mut DuckGooseCluster) {
    slim(cluster);
    cluster.annotations_mut().remove("kubectl.kubernetes.io/last-applied-configuration");
}

/// Beside its fingerprint, decisions are made from a StatefulSet's status, and from how it updates.
fn slim_set(set: &mut StatefulSet) {
    let mut told = set.annotations().clone();
    told.retain(|annotation, _| is_told(annotation));
    keep_fingerprint(set);
    set.annotations_mut().append(&mut told);
    let update_strategy = set.spec.update_strategy.take();
    set.spec = StatefulSetSpec { update_strategy, ..StatefulSetSpec::default() };
}

/// Most of a pod is its spec, of which decisions are made only from where it runs, and what its status
/// says of containers that are well.
fn slim_pod(pod: &mut Pod) {
    slim(pod);
    let node_name = pod.spec.take().and_then(|spec| spec.node_name);
    pod.spec = Some(PodSpec { node_name, ..PodSpec::default() });
    let Some(status) = pod.status.take() else { return };
    let told = |it: &ContainerStatus| it.name == SIDECAR_CONTAINER || !it.ready;
    let only_told = |containers: Option<Vec<ContainerStatus>>| {
        let told: Vec<_> = containers.into_iter().flatten().filter(told).collect();
        Some(told).filter(|told| !told.is_empty())
    };
    pod.status = Some(PodStatus {
        conditions: status.conditions,
        pod_ips: status.pod_ips,
        init_container_statuses: only_told(status.init_container_statuses),
        container_statuses: only_told(status.container_statuses),
        ..PodStatus::default()
    });
}

/// Quicker than the library's default, which waits up to half a minute: an operator that is late
/// after an outage leaves a label on a pod that leads no more.
pub fn reconnects() -> ExponentialBackoff {
    let builder = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times();
    ExponentialBackoff::from(builder)
}

/// A list of many thousands comes in pieces of this many: each is whole in memory before what is not
/// needed of it is dropped, and what that took is not given back.
const OBJECTS_AT_ONCE: u32 = 50;

/// A watch on a connection that died without a word is noticed 5 s after this.
pub const WATCH_SECONDS: u32 = 60;
