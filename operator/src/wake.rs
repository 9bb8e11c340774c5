//! Which change of which object wakes which cluster.
//!
//! A Goose renews its Lease every two seconds and a pod's status changes all the time; neither
//! matters unless what a decision is made from changed. So each kind of object has a key, and only
//! a change of the key wakes the cluster.

use std::collections::HashMap;
use std::fmt::{self, Debug, Write};
use std::hash::{DefaultHasher, Hasher};
use std::marker::PhantomData;
use std::mem;

use api::DuckGooseCluster;
use api::names::{CLUSTER_LABEL, HANDOVER_ANNOTATION, UPGRADE_ANNOTATION};
use election::lease::ILLNESS;
use election::record::Record;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
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
    fn key(&self) -> impl Debug;

    /// The cluster that the object is of.
    fn cluster(&self) -> Option<Cluster> {
        let name = self.labels().get(CLUSTER_LABEL)?;
        Some(ObjectRef::new(name).within(&self.namespace()?))
    }
}

/// The objects of one kind as they were last seen. There are many, so that of each no more than
/// fingerprints are kept.
#[derive(Debug)]
pub struct Changes<K: Wakes> {
    known: Known,
    /// While a list is being told: what it held so far.
    listed: Option<Known>,
    kind: PhantomData<K>,
}

/// By a fingerprint of namespace and name.
type Known = HashMap<u64, Sight>;

/// What was last seen of an object.
#[derive(Debug)]
struct Sight {
    /// A fingerprint of the key.
    key: u64,
    /// Namespace and name.
    cluster: Option<(Box<str>, Box<str>)>,
}

impl<K: Wakes> Default for Changes<K> {
    fn default() -> Self {
        Changes { known: HashMap::new(), listed: None, kind: PhantomData }
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

impl Sight {
    fn of(object: &impl Wakes) -> Sight {
        let cluster = object.cluster();
        let named =
            |cluster: Cluster| (cluster.namespace.unwrap_or_default().into(), cluster.name.into());
        Sight { key: fingerprint_of_text(&object.key()), cluster: cluster.map(named) }
    }

    fn cluster(&self) -> Option<Cluster> {
        let (namespace, name) = self.cluster.as_ref()?;
        Some(ObjectRef::new(name).within(namespace))
    }
}

fn id(object: &impl Resource) -> u64 {
    let metadata = object.meta();
    fingerprint_of_text(&(&metadata.namespace, &metadata.name))
}

/// Of how it is written for people: keys are of many types, and not all of these can be hashed.
fn fingerprint_of_text(key: &impl Debug) -> u64 {
    let mut text = Text(DefaultHasher::new());
    // A hasher takes all that is written to it.
    let _ = write!(text, "{key:?}");
    text.0.finish()
}

/// Hashes a text while it is written.
struct Text(DefaultHasher);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

fn clusters_of_differences(before: &Known, after: &Known) -> Vec<Cluster> {
    let vanished = before.keys().filter(|id| !after.contains_key(*id));
    let ids = after.keys().chain(vanished);
    ids.flat_map(|id| differing(before.get(id), after.get(id))).collect()
}

/// The clusters of both, if they differ.
fn differing(before: Option<&Sight>, after: Option<&Sight>) -> Vec<Cluster> {
    let same = match (before, after) {
        (Some(before), Some(after)) => before.key == after.key && before.cluster == after.cluster,
        (None, None) => true,
        _ => false,
    };
    let both = before.into_iter().chain(after);
    let mut clusters: Vec<Cluster> = both.filter_map(Sight::cluster).collect();
    clusters.dedup();
    if same { Vec::new() } else { clusters }
}

impl Wakes for DuckGooseCluster {
    fn key(&self) -> impl Debug {
        let going = self.metadata.deletion_timestamp.is_some();
        let asked = [HANDOVER_ANNOTATION, UPGRADE_ANNOTATION]
            .map(|annotation| self.annotations().get(annotation));
        (self.uid(), self.metadata.generation, going, asked, &self.status)
    }

    fn cluster(&self) -> Option<Cluster> {
        Some(ObjectRef::from_obj(self))
    }
}

impl Wakes for Lease {
    /// All but the proof of life.
    fn key(&self) -> impl Debug {
        let seen = lease::read(self);
        let record = seen.record.map(|record| Record { attempt: 0, ..record });
        let illness = self.annotations().get(ILLNESS);
        let owner = controller(&self.metadata);
        (seen.uid, seen.stamped, record, seen.orders, illness, owner)
    }
}

impl Wakes for Pod {
    fn key(&self) -> impl Debug {
        let addresses: Vec<_> = addresses(self).collect();
        let life = (is_serving(self), is_going(self), is_fenced(self), trouble(self), deaths(self));
        (self.uid(), self.labels(), life, addresses, node(self), controller(&self.metadata))
    }
}

impl Wakes for StatefulSet {
    fn key(&self) -> impl Debug {
        (self.uid(), fingerprint(self), &self.status)
    }
}

/// For objects that are only applied, and say nothing.
macro_rules! wakes_when_edited {
    ($($kind:ty),*) => { $(
        impl Wakes for $kind {
            fn key(&self) -> impl Debug {
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
    use election::record::Incarnation;

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
