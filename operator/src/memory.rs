//! What is remembered from one pass over a cluster to the next.
//!
//! All of it saves calls or keeps time; a new process starts without it and comes to the same
//! decisions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use api::{DuckGooseCluster, DuckGooseClusterStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::reflector::ObjectRef;
use kube::{Client, ResourceExt};
use tokio::time::Instant;

use crate::calls::LABEL_BOUND;
use crate::decide::handover::Awaited;
use crate::decide::interregnum::Interregnum;
use crate::decide::labels::{PodVersion, Tenure};
use crate::decide::object::{Applied, version};
use crate::decide::problem::Problem;
use crate::decide::sidecar::SidecarImage;
use crate::decide::traffic::SliceVersion;
use crate::events::Events;
use crate::id::Id;
use crate::leadership::Won;
use crate::stores::Stores;
use crate::turns::Turns;

/// What each pass has.
pub struct Context {
    /// The way to the API server.
    pub client: Client,
    /// What it told.
    pub stores: Stores,
    /// The image of the sidecar.
    pub image: SidecarImage,
    /// Whose turn it is to take another sidecar.
    pub turns: Turns,
    /// Where people are told.
    pub events: Events,
    /// Rule 12: until when an earlier leader's last write may be on its way.
    pub quiet_until: Instant,
    tenure: OnceLock<Tenure>,
    memories: Mutex<HashMap<Id, Memory>>,
}

/// What is remembered of one cluster.
#[derive(Debug)]
pub struct Memory {
    uid: Option<String>,
    /// Pods that a label is perhaps still on its way to.
    pub unsettled: Vec<PodVersion>,
    /// What the API server answered to writes of labels, by the pod's uid.
    labelled: HashMap<String, ObjectMeta>,
    /// EndpointSlices that a write is perhaps still on its way to.
    pub unsettled_slices: Vec<SliceVersion>,
    /// What the API server answered to writes of EndpointSlices.
    slices: Vec<EndpointSlice>,
    /// What was applied last, by kind and name.
    pub applied: HashMap<String, Applied>,
    /// Objects that cannot be as wanted, by kind and name.
    pub held_off: HashMap<String, HeldOff>,
    /// Fingerprint of the template that the StatefulSet keeps until it is the cluster's turn.
    pub kept_template: Option<u64>,
    /// When orders were last written to the Lease.
    pub ordered: Option<Instant>,
    /// The cluster's resourceVersion after a request for a hand-over was taken away from it.
    pub answered: u64,
    /// The Goose that is to be moved before its pod goes, and since when.
    pub awaited: Option<(Awaited, Instant)>,
    /// The end of a term, while the next Goose is waited for.
    pub interregnum: Option<Interregnum>,
    /// Since when there has been no Goose with a ready pod.
    pub without_goose: Option<Instant>,
    /// How many passes in a row failed somewhere.
    pub failures: u32,
    /// Until when the API server asked to be left alone.
    pub left_alone_until: Option<Instant>,
    /// The status as it was last written, with the cluster's resourceVersion after it.
    wrote: Option<(u64, Option<DuckGooseClusterStatus>)>,
}

/// An object that was refused, and is not tried again hot.
#[derive(Clone, Debug)]
pub struct HeldOff {
    /// Fingerprint of what was refused: anything else is tried at once.
    pub wanted: u64,
    /// When the same is tried again.
    pub until: Instant,
    /// What people were told.
    pub problem: Problem,
}

impl Context {
    /// What each pass has, while this replica leads.
    pub fn new(
        client: Client,
        stores: Stores,
        image: SidecarImage,
        upgrades_at_once: usize,
        won: Won,
    ) -> Arc<Context> {
        let quiet = match won {
            Won::HandedOver => Duration::ZERO,
            Won::TookOver => LABEL_BOUND,
        };
        Arc::new(Context {
            events: Events::new(client.clone()),
            turns: Turns::new(upgrades_at_once, stores.upgrading()),
            client,
            stores,
            image,
            quiet_until: Instant::now() + quiet,
            tenure: OnceLock::new(),
            memories: Mutex::default(),
        })
    }

    /// This run and the pods that it found. The first call, when the stores are filled, is when
    /// it finds them.
    pub fn tenure(&self) -> &Tenure {
        self.tenure.get_or_init(|| Tenure {
            mark: format!("{:x}", jiff::Timestamp::now().as_nanosecond()),
            inherited: self.stores.pods.state().iter().filter_map(|pod| pod.uid()).collect(),
        })
    }

    /// Takes the memory of the cluster out, for one pass.
    pub fn recall(&self, cluster: &DuckGooseCluster) -> Memory {
        let memory = self.memories().remove(&Id::of(cluster));
        let memory = memory.filter(|memory| memory.uid == cluster.uid());
        let mut memory = memory.unwrap_or_else(|| Memory::of(cluster));
        memory.forget_what_is_seen(cluster);
        memory
    }

    /// Puts the memory back after a pass.
    pub fn remember(&self, cluster: &DuckGooseCluster, memory: Memory) {
        self.memories().insert(Id::of(cluster), memory);
    }

    /// The cluster is no more.
    pub fn forget(&self, namespace: &str, name: &str) {
        let id = Id::new(namespace, name);
        self.end_turn(&id);
        self.memories().remove(&id);
    }

    /// The cluster needs no turn to take another sidecar. Who comes next is looked at.
    pub fn end_turn(&self, cluster: &Id) {
        if let Some(Id { namespace, name }) = self.turns.needs_none(cluster) {
            self.stores.look_at(ObjectRef::new(&name).within(&namespace));
        }
    }

    fn memories(&self) -> std::sync::MutexGuard<'_, HashMap<Id, Memory>> {
        // A map is whole after a panic elsewhere.
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn of(cluster: &DuckGooseCluster) -> Memory {
        Memory {
            uid: cluster.uid(),
            unsettled: Vec::new(),
            labelled: HashMap::new(),
            unsettled_slices: Vec::new(),
            slices: Vec::new(),
            applied: HashMap::new(),
            held_off: HashMap::new(),
            kept_template: None,
            ordered: None,
            answered: 0,
            awaited: None,
            interregnum: None,
            without_goose: None,
            failures: 0,
            left_alone_until: None,
            wrote: None,
        }
    }

    /// The cluster's newest status and resourceVersion: as the watch shows it, or as this operator
    /// wrote it, where the watch is not that far yet.
    pub fn newest(&self, cluster: &DuckGooseCluster) -> (u64, Option<DuckGooseClusterStatus>) {
        let seen = version(cluster);
        match &self.wrote {
            Some((wrote, status)) if *wrote > seen => (*wrote, status.clone()),
            _ => (seen, cluster.status.clone()),
        }
    }

    /// A status that was written needs to be known no longer than until the watch shows it.
    fn forget_what_is_seen(&mut self, cluster: &DuckGooseCluster) {
        let seen = version(cluster);
        self.wrote.take_if(|(wrote, _)| *wrote <= seen);
    }

    /// The API server answered with this when a request for a hand-over was taken away.
    pub fn answered_request(&mut self, answer: &DuckGooseCluster) {
        self.answered = version(answer);
        self.wrote_status(answer);
    }

    /// The API server answered a write of the status with this.
    pub fn wrote_status(&mut self, answer: &DuckGooseCluster) {
        self.wrote = Some((version(answer), answer.status.clone()));
    }

    /// The pods as they are, or as this operator labelled them, where the watch is not that far
    /// yet: on the sight of before, the label of a pod that led for a moment would be overlooked.
    pub fn newest_pods(&mut self, seen: &[Arc<Pod>]) -> Vec<Arc<Pod>> {
        let newer = |pod: &Pod, answer: &ObjectMeta| number(answer) > number(&pod.metadata);
        self.labelled.retain(|uid, answer| {
            seen.iter().any(|pod| pod.uid().as_deref() == Some(uid) && newer(pod, answer))
        });
        // Room for four takes 2 KiB, and mostly there is none.
        self.labelled.shrink_to_fit();
        let newest = |pod: &Arc<Pod>| match pod.uid().and_then(|uid| self.labelled.get(&uid)) {
            Some(answer) => Arc::new(Pod { metadata: answer.clone(), ..Pod::clone(pod) }),
            None => pod.clone(),
        };
        seen.iter().map(newest).collect()
    }

    /// The API server answered a write of a label with this.
    pub fn labelled(&mut self, answer: ObjectMeta) {
        self.labelled.insert(answer.uid.clone().unwrap_or_default(), answer);
    }

    /// The EndpointSlices as they are, or as this operator wrote them, where the watch is not that
    /// far yet.
    pub fn newest_slices(&mut self, seen: Vec<Arc<EndpointSlice>>) -> Vec<Arc<EndpointSlice>> {
        self.slices.retain(|wrote| {
            let like = seen.iter().find(|seen| seen.uid() == wrote.uid());
            like.is_some_and(|seen| version(wrote) > version(&**seen))
        });
        self.slices.shrink_to_fit();
        let newest = |seen: Arc<EndpointSlice>| {
            let wrote = self.slices.iter().find(|wrote| wrote.uid() == seen.uid());
            wrote.map_or(seen, |wrote| Arc::new(wrote.clone()))
        };
        seen.into_iter().map(newest).collect()
    }

    /// The API server answered a write of an EndpointSlice with this.
    pub fn wrote_slice(&mut self, answer: EndpointSlice) {
        self.slices.retain(|slice| slice.uid() != answer.uid());
        self.slices.push(answer);
    }

    /// For how long the API server is left alone yet, as it asked.
    pub fn leaves_alone(&self, now: Instant) -> Option<Duration> {
        let left = self.left_alone_until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// For how long orders must wait until one `renewal` after the last ones.
    pub fn orders_wait(&self, renewal: Duration, now: Instant) -> Duration {
        let next = self.ordered.map(|ordered| ordered + renewal);
        next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }
}

/// The resourceVersion as the integer that it is (KEP-5504).
fn number(metadata: &ObjectMeta) -> u64 {
    let version = metadata.resource_version.as_ref();
    version.and_then(|version| version.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::pods::sample;

    fn pond(version: &str, goose: Option<&str>) -> DuckGooseCluster {
        let spec = serde_json::from_value(serde_json::json!({ "template": {} })).unwrap();
        let mut cluster = DuckGooseCluster::new("pond", spec);
        cluster.metadata.resource_version = Some(version.into());
        let goose = goose.map(str::to_owned);
        cluster.status = Some(DuckGooseClusterStatus { goose, ..Default::default() });
        cluster
    }

    #[test]
    fn the_newest_status_is_that_of_the_higher_version() {
        let mut memory = Memory::of(&pond("9", None));
        memory.wrote_status(&pond("10", Some("pond-1")));
        for (seen, wanted) in [
            (pond("9", Some("pond-0")), (10, Some("pond-1"))),
            (pond("10", Some("pond-1")), (10, Some("pond-1"))),
            (pond("11", Some("pond-2")), (11, Some("pond-2"))),
        ] {
            let (version, status) = memory.newest(&seen);
            assert_eq!((version, status.unwrap().goose.as_deref()), wanted);
        }
        for (seen, kept) in [("9", true), ("10", false)] {
            memory.forget_what_is_seen(&pond(seen, None));
            assert_eq!(memory.wrote.is_some(), kept, "{seen}");
        }
    }

    #[test]
    fn a_label_just_written_is_seen_before_the_watch_tells_of_it() {
        let at = |version: &str, role: &str| {
            let mut pod = sample::pod(0, role, true);
            pod.metadata.resource_version = Some(version.into());
            Arc::new(pod)
        };
        let mut memory = Memory::of(&pond("9", None));
        memory.labelled(at("10", "goose").metadata.clone());
        for (seen, wanted) in [
            (at("9", "duck"), at("10", "goose")),
            (at("11", "duck"), at("11", "duck")),
            // What was overtaken once is forgotten.
            (at("9", "duck"), at("9", "duck")),
        ] {
            assert_eq!(memory.newest_pods(&[seen]), [wanted]);
        }
    }

    #[tokio::test]
    async fn the_api_server_is_left_alone_for_as_long_as_it_asked() {
        let (s, now) = (Duration::from_secs, Instant::now());
        let mut memory = Memory::of(&pond("9", None));
        assert_eq!(memory.leaves_alone(now), None);
        memory.left_alone_until = Some(now + s(3));
        assert_eq!(memory.leaves_alone(now + s(1)), Some(s(2)));
        assert_eq!(memory.leaves_alone(now + s(3)), None);
    }

    #[tokio::test]
    async fn orders_wait_for_one_renewal_after_the_last() {
        let (s, now) = (Duration::from_secs, Instant::now());
        let mut memory = Memory::of(&pond("9", None));
        assert_eq!(memory.orders_wait(s(2), now), s(0));
        memory.ordered = Some(now);
        assert_eq!(memory.orders_wait(s(2), now + s(1)), s(1));
        assert_eq!(memory.orders_wait(s(2), now + s(3)), s(0));
    }
}
