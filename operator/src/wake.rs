//! Which change of which object wakes which cluster.
//!
//! A Goose renews its Lease every two seconds and a pod's status changes all the time; neither
//! matters unless what a decision is made from changed. So each kind of object has a key, and only
//! a change of the key wakes the cluster.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::mem;
use std::net::IpAddr;

use api::names::{CLUSTER_LABEL, HANDOVER_ANNOTATION, UPGRADE_ANNOTATION};
use api::{DuckGooseCluster, DuckGooseClusterStatus};
use election::lease::{ILLNESS, Orders};
use election::record::{Incarnation, Record, Unreadable};
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};

use crate::decide::death::deaths;
use crate::decide::lease;
use crate::decide::object::fingerprint;
use crate::decide::owner::controller;
use crate::decide::pods::{is_fenced, is_going, is_serving, node};
use crate::decide::traffic::addresses;
use crate::decide::trouble::trouble;

/// A reference to the cluster that is to be looked at.
pub type Cluster = ObjectRef<DuckGooseCluster>;

/// A kind of object that clusters are made from.
pub trait Wakes: Resource<DynamicType = ()> + Sized {
    /// What decisions are made from.
    type Key: PartialEq + Debug + Send;

    /// What decisions are made from.
    fn key(&self) -> Self::Key;

    /// The cluster that the object is of.
    fn cluster(&self) -> Option<Cluster> {
        let name = self.labels().get(CLUSTER_LABEL)?;
        Some(ObjectRef::new(name).within(&self.namespace()?))
    }
}

/// The objects of one kind as they were last seen.
#[derive(Debug)]
pub struct Changes<K: Wakes> {
    known: Known<K>,
    /// While a list is being told: what it held so far.
    listed: Option<Known<K>>,
}

/// By namespace and name.
type Known<K> = HashMap<(String, String), Sight<K>>;

/// What was last seen of an object.
#[derive(Debug)]
struct Sight<K: Wakes> {
    key: K::Key,
    cluster: Option<Cluster>,
}

impl<K: Wakes> Default for Changes<K> {
    fn default() -> Self {
        Changes { known: HashMap::new(), listed: None }
    }
}

impl<K: Wakes> Changes<K> {
    /// The clusters that this event wakes.
    ///
    /// What a list no longer holds was deleted while nobody watched, which is a change, too. The
    /// clusters that a list wakes are told at its end, when the store shows it.
    pub fn observe(&mut self, event: &Event<K>) -> Vec<Cluster> {
        match event {
            Event::Init => {
                self.listed = Some(HashMap::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                self.listed.get_or_insert_default().insert(id(object), Sight::of(object));
                Vec::new()
            }
            Event::InitDone => {
                let listed = self.listed.take().unwrap_or_default();
                let before = mem::replace(&mut self.known, listed);
                clusters_of_differences(&before, &self.known)
            }
            Event::Apply(object) => {
                let sight = Sight::of(object);
                let before = self.known.insert(id(object), sight);
                differing(before.as_ref(), self.known.get(&id(object)))
            }
            Event::Delete(object) => differing(self.known.remove(&id(object)).as_ref(), None),
        }
    }
}

impl<K: Wakes> Sight<K> {
    fn of(object: &K) -> Sight<K> {
        Sight { key: object.key(), cluster: object.cluster() }
    }
}

fn id(object: &impl ResourceExt) -> (String, String) {
    (object.namespace().unwrap_or_default(), object.name_any())
}

fn clusters_of_differences<K: Wakes>(before: &Known<K>, after: &Known<K>) -> Vec<Cluster> {
    let vanished = before.keys().filter(|id| !after.contains_key(*id));
    let ids = after.keys().chain(vanished);
    ids.flat_map(|id| differing(before.get(id), after.get(id))).collect()
}

/// The clusters of both, if they differ.
fn differing<K: Wakes>(before: Option<&Sight<K>>, after: Option<&Sight<K>>) -> Vec<Cluster> {
    let same = match (before, after) {
        (Some(before), Some(after)) => before.key == after.key && before.cluster == after.cluster,
        (None, None) => true,
        _ => false,
    };
    let both = before.into_iter().chain(after);
    let mut clusters: Vec<Cluster> = both.filter_map(|sight| sight.cluster.clone()).collect();
    clusters.dedup();
    if same { Vec::new() } else { clusters }
}

impl Wakes for DuckGooseCluster {
    type Key =
        (Option<String>, Option<i64>, bool, [Option<String>; 2], Option<DuckGooseClusterStatus>);

    fn key(&self) -> Self::Key {
        let going = self.metadata.deletion_timestamp.is_some();
        let asked = [HANDOVER_ANNOTATION, UPGRADE_ANNOTATION]
            .map(|annotation| self.annotations().get(annotation).cloned());
        (self.uid(), self.metadata.generation, going, asked, self.status.clone())
    }

    fn cluster(&self) -> Option<Cluster> {
        Some(ObjectRef::from_obj(self))
    }
}

/// What of a Lease decisions are made from: all but the proof of life.
#[derive(PartialEq, Debug)]
pub struct LeaseKey {
    uid: String,
    stamped: bool,
    record: Result<Record, Unreadable>,
    orders: Orders,
    illness: Option<String>,
    owner: Option<OwnerReference>,
}

impl Wakes for Lease {
    type Key = LeaseKey;

    fn key(&self) -> LeaseKey {
        let seen = lease::read(self);
        LeaseKey {
            uid: seen.uid,
            stamped: seen.stamped,
            record: seen.record.map(|record| Record { attempt: 0, ..record }),
            orders: seen.orders,
            illness: self.annotations().get(ILLNESS).cloned(),
            owner: controller(&self.metadata).cloned(),
        }
    }
}

/// What of a pod decisions are made from.
#[derive(PartialEq, Debug)]
pub struct PodKey {
    uid: Option<String>,
    labels: BTreeMap<String, String>,
    serving: bool,
    addresses: Vec<IpAddr>,
    going: bool,
    fenced: bool,
    trouble: Option<String>,
    deaths: Vec<Incarnation>,
    node: Option<String>,
    owner: Option<OwnerReference>,
}

impl Wakes for Pod {
    type Key = PodKey;

    fn key(&self) -> PodKey {
        PodKey {
            uid: self.uid(),
            labels: self.labels().clone(),
            serving: is_serving(self),
            addresses: addresses(self).collect(),
            going: is_going(self),
            fenced: is_fenced(self),
            trouble: trouble(self),
            deaths: deaths(self),
            node: node(self).map(str::to_owned),
            owner: controller(&self.metadata).cloned(),
        }
    }
}

impl Wakes for StatefulSet {
    type Key = (Option<String>, u64, Option<StatefulSetStatus>);

    fn key(&self) -> Self::Key {
        (self.uid(), fingerprint(self), self.status.clone())
    }
}

/// For objects that are only applied, and say nothing.
macro_rules! wakes_when_edited {
    ($($kind:ty),*) => { $(
        impl Wakes for $kind {
            type Key = (Option<String>, u64);

            fn key(&self) -> Self::Key {
                (self.uid(), fingerprint(self))
            }
        }
    )* };
}

wakes_when_edited!(ServiceAccount, Role, RoleBinding, Service, EndpointSlice, PodDisruptionBudget);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use election::lease::{RECORD, STAMP};

    use super::*;
    use crate::decide::owner::Owner;

    fn lease(holder: &str, term: u64, attempt: u64) -> Lease {
        let owner = Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() };
        let mut lease = Lease { metadata: owner.metadata("pond"), spec: None };
        let holder = Some(Incarnation::new(holder, "p", "a").unwrap());
        let record = Record { holder, attempt, ..Record::quarantine(term, Duration::from_secs(6)) };
        lease.metadata.uid = Some("l".into());
        lease.annotations_mut().insert(STAMP.into(), "l".into());
        lease.annotations_mut().insert(RECORD.into(), record.to_text());
        lease
    }

    fn pond() -> Vec<Cluster> {
        vec![ObjectRef::new("pond").within("ns")]
    }

    #[test]
    fn a_renewal_wakes_nobody_and_a_new_goose_does() {
        let mut changes = Changes::default();
        for (event, wanted) in [
            (Event::Apply(lease("pond-0", 5, 1)), pond()),
            (Event::Apply(lease("pond-0", 5, 2)), vec![]),
            (Event::Apply(lease("pond-1", 9, 1)), pond()),
            (Event::Delete(lease("pond-1", 9, 1)), pond()),
            (Event::Delete(lease("pond-1", 9, 1)), vec![]),
        ] {
            assert_eq!(changes.observe(&event), wanted, "{event:?}");
        }
    }

    #[test]
    fn a_list_wakes_at_its_end_and_only_for_what_changed_meanwhile() {
        let mut changes = Changes::default();
        let mut list = |objects: Vec<Lease>| {
            assert!(changes.observe(&Event::Init).is_empty());
            for object in objects {
                assert!(changes.observe(&Event::InitApply(object)).is_empty());
            }
            changes.observe(&Event::InitDone)
        };
        assert_eq!(list(vec![lease("pond-0", 5, 1)]), pond());
        assert_eq!(list(vec![lease("pond-0", 5, 7)]), vec![]);
        assert_eq!(list(vec![lease("pond-1", 9, 1)]), pond());
        assert_eq!(list(vec![]), pond(), "it was deleted while nobody watched");
        assert_eq!(list(vec![]), vec![]);
    }

    #[test]
    fn an_object_that_changes_its_cluster_wakes_both() {
        let mut moved = lease("pond-0", 5, 1);
        moved.labels_mut().insert(CLUSTER_LABEL.into(), "lake".into());
        let mut changes = Changes::default();
        changes.observe(&Event::Apply(lease("pond-0", 5, 1)));
        let lake = ObjectRef::new("lake").within("ns");
        assert_eq!(changes.observe(&Event::Apply(moved)), [pond(), vec![lake]].concat());
    }
}
