//! Rule 10: each cluster's Lease is followed, and each death of an incarnation noted, as the
//! watches tell of them.
//!
//! A store shows the newest version only. Whether a holder was seen renewing its record on an
//! unbroken watch takes each version in its turn, so the watches themselves tell it to this.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::names::CLUSTER_LABEL;
use election::driver::clocks;
use election::keeper::{DeathWatch, Release};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::runtime::watcher::Event;

use crate::decide::death::deaths;
use crate::decide::lease::read;
use crate::id::Id;

/// What was followed of each cluster's holders, and of their deaths.
#[derive(Debug, Default)]
pub struct Deaths {
    followed: Mutex<Followed>,
}

#[derive(Debug, Default)]
struct Followed {
    watches: HashMap<Id, DeathWatch>,
    /// While a list of Leases is being told: those that it held so far.
    listed: HashSet<Id>,
}

/// What is to be done about a dead holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Burial {
    /// The holder is not known to be dead.
    None,
    /// Its longest promise is over after this time.
    In(Duration),
    /// Its record may be released.
    Now(Release),
}

impl Deaths {
    /// The watch of Leases told this.
    pub fn follow(&self, event: &Event<Lease>) {
        let mut followed = self.followed();
        match event {
            Event::Init => followed.listed.clear(),
            Event::InitApply(lease) => {
                followed.listed.insert(Id::of(lease));
                followed.watches.entry(Id::of(lease)).or_default().read(Some(read(lease)));
            }
            Event::InitDone => {
                let Followed { watches, listed } = &mut *followed;
                let gone = watches.iter_mut().filter(|(id, _)| !listed.contains(*id));
                gone.for_each(|(_, watch)| watch.read(None));
            }
            Event::Apply(lease) => {
                followed.watches.entry(Id::of(lease)).or_default().watched(read(lease));
            }
            Event::Delete(lease) => {
                if let Some(watch) = followed.watches.get_mut(&Id::of(lease)) {
                    watch.deleted();
                }
            }
        }
    }

    /// The watch of pods told this. What a deleted pod said last is as true as before.
    pub fn note(&self, event: &Event<Pod>) {
        let (Event::InitApply(pod) | Event::Apply(pod) | Event::Delete(pod)) = event else {
            return;
        };
        let Some(cluster) = pod.labels().get(CLUSTER_LABEL) else { return };
        let named = deaths(pod);
        if named.is_empty() {
            return;
        }
        let (mut followed, now) = (self.followed(), clocks());
        let id = Id::new(&pod.namespace().unwrap_or_default(), cluster);
        let watch = followed.watches.entry(id).or_default();
        named.into_iter().for_each(|who| watch.died(&now, who));
    }

    /// What is to be done now about the holder of this cluster's Lease.
    pub fn burial(&self, namespace: &str, cluster: &str) -> Burial {
        let (followed, now) = (self.followed(), clocks());
        let Some(watch) = followed.watches.get(&Id::new(namespace, cluster)) else {
            return Burial::None;
        };
        match (watch.release(&now), watch.wake(&now)) {
            (Some(release), _) => Burial::Now(release),
            (None, Some(wait)) => Burial::In(wait),
            (None, None) => Burial::None,
        }
    }

    /// The cluster is no more.
    pub fn forget(&self, namespace: &str, cluster: &str) {
        self.followed().watches.remove(&Id::new(namespace, cluster));
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        // After a panic elsewhere a watch may have missed a version, which it cannot know: to go on
        // as if nothing was would be a guess, and to forget is always safe.
        self.followed.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut followed = poisoned.into_inner();
            *followed = Followed::default();
            followed
        })
    }
}

#[cfg(test)]
mod tests {
    use election::lease::{RECORD, STAMP};
    use election::record::{Incarnation, Record};
    use serde_json::json;

    use super::*;

    /// Version `version` of the Lease of `pond`, held by `pond-0`.
    fn lease(version: u64, attempt: u64) -> Lease {
        let holder = Some(Incarnation::new("pond-0", "p0", "a").unwrap());
        let record = Record { holder, attempt, ..Record::quarantine(5, Duration::from_secs(6)) };
        let annotations = json!({ RECORD: record.to_text(), STAMP: "l" });
        let metadata = json!({
            "name": "pond", "namespace": "ns", "uid": "l",
            "resourceVersion": version.to_string(), "annotations": annotations,
        });
        serde_json::from_value(json!({ "metadata": metadata })).unwrap()
    }

    fn death() -> Pod {
        let message = json!({ "terminated": { "exitCode": 137, "message": "pond-0_p0_a" } });
        let status = json!({
            "name": "duckgoose", "lastState": message,
            "image": "", "imageID": "", "ready": true, "restartCount": 1,
        });
        let labels = json!({ CLUSTER_LABEL: "pond" });
        let metadata =
            json!({ "name": "pond-0", "namespace": "ns", "uid": "p0", "labels": labels });
        let status = json!({ "initContainerStatuses": [status] });
        serde_json::from_value(json!({ "metadata": metadata, "status": status })).unwrap()
    }

    fn after(events: &[Event<Lease>]) -> Burial {
        let deaths = Deaths::default();
        events.iter().for_each(|event| deaths.follow(event));
        deaths.note(&Event::Apply(death()));
        deaths.burial("ns", "pond")
    }

    #[test]
    fn a_holder_that_was_seen_to_live_is_released_when_it_is_dead() {
        let listed = || [Event::Init, Event::InitApply(lease(10, 1)), Event::InitDone];
        let [init, first, done] = listed();
        let Burial::Now(release) = after(&[init, first, done, Event::Apply(lease(11, 2))]) else {
            panic!("wanted a release")
        };
        assert_eq!((release.version, release.record.released), (11, true));

        // Never seen to renew; then with a gap after it; then deleted.
        assert_eq!(after(&listed()), Burial::None);
        let [init, first, done] = listed();
        let alive = || Event::Apply(lease(11, 2));
        let gap = [Event::Init, Event::InitApply(lease(12, 3)), Event::InitDone];
        assert_eq!(after(&[vec![init, first, done, alive()], gap.into()].concat()), Burial::None);
        let [init, first, done] = listed();
        let deleted = [init, first, done, alive(), Event::Delete(lease(11, 2))];
        assert_eq!(after(&deleted), Burial::None);
        let [init, first, done] = listed();
        let empty = [Event::Init, Event::InitDone];
        assert_eq!(after(&[vec![init, first, done, alive()], empty.into()].concat()), Burial::None);
    }

    #[test]
    fn a_death_that_a_deleted_pod_told_counts() {
        let deaths = Deaths::default();
        deaths.follow(&Event::InitApply(lease(10, 1)));
        deaths.follow(&Event::Apply(lease(11, 2)));
        assert_eq!(deaths.burial("ns", "pond"), Burial::None);
        deaths.note(&Event::Delete(death()));
        assert!(matches!(deaths.burial("ns", "pond"), Burial::Now(_)));
        deaths.forget("ns", "pond");
        assert_eq!(deaths.burial("ns", "pond"), Burial::None);
    }
}
