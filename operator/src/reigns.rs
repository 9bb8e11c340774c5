//! How each Goose came to be, as the versions of its Lease tell it one after the other.
//!
//! For people only: the status and its history. No rule goes by it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use api::status::goose_change;
use election::record::Record;
use k8s_openapi::api::coordination::v1::Lease;
use kube::runtime::watcher::Event;
use tokio::time::Instant;

use crate::decide::history::Begun;
use crate::decide::lease::read;
use crate::id::Id;

/// The reigns of all clusters' Geese.
#[derive(Debug, Default)]
pub struct Reigns {
    known: Mutex<HashMap<Id, Reign>>,
}

#[derive(Debug)]
struct Reign {
    /// The newest record that somebody holds or released.
    record: Record,
    /// When it was seen, if it was held; and when the release was seen, if its holder wrote it.
    last_sign: Instant,
    begun: Begun,
    /// The term that this operator released, for its holder was dead.
    buried: Option<u64>,
}

impl Reigns {
    /// The watch of Leases told this.
    pub fn follow(&self, event: &Event<Lease>) {
        self.observe(event, Instant::now());
    }

    fn observe(&self, event: &Event<Lease>, now: Instant) {
        let (Event::InitApply(lease) | Event::Apply(lease)) = event else { return };
        let Ok(record) = read(lease).record else { return };
        let id = Id::of(lease);
        let mut known = self.known();
        match known.get_mut(&id) {
            Some(reign) => reign.observe(record, now),
            None if record.holder.is_some() => {
                // One that was there before anybody looked, or the first one there ever was.
                let seen_to_begin = matches!(event, Event::Apply(_));
                known.insert(id, Reign::first(record, now, seen_to_begin));
            }
            None => (),
        }
    }

    /// The holder of this term is dead, and its record is being released.
    pub fn buried(&self, namespace: &str, cluster: &str, term: u64) {
        if let Some(reign) = self.known().get_mut(&Id::new(namespace, cluster)) {
            reign.buried = Some(term);
        }
    }

    /// How the Goose of this term came to be.
    pub fn begun(&self, namespace: &str, cluster: &str, term: u64) -> Begun {
        let id = Id::new(namespace, cluster);
        let known = self.known();
        let begun = known.get(&id).map(|reign| &reign.begun).filter(|begun| begun.term == term);
        begun.cloned().unwrap_or(Begun { term, reason: goose_change::NOT_SEEN, without: None })
    }

    /// The cluster is no more.
    pub fn forget(&self, namespace: &str, cluster: &str) {
        self.known().remove(&Id::new(namespace, cluster));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Id, Reign>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reign {
    fn first(record: Record, now: Instant, seen_to_begin: bool) -> Reign {
        let reason = if seen_to_begin { goose_change::FIRST_GOOSE } else { goose_change::NOT_SEEN };
        let begun = Begun { term: record.term, reason, without: None };
        Reign { record, last_sign: now, begun, buried: None }
    }

    fn observe(&mut self, record: Record, now: Instant) {
        if record.holder.is_some() && record.term != self.record.term {
            let without =
                Some(now.duration_since(self.last_sign)).filter(|_| !self.goes_on(&record));
            self.begun = Begun { term: record.term, reason: self.end(), without };
        }
        let by_itself = record.released && self.buried != Some(record.term);
        // The operator's own writes, of orders for example, leave the record as it is.
        let is_word = record != self.record && (record.holder.is_some() || by_itself);
        if is_word {
            self.last_sign = now;
        }
        if record.holder.is_some() || record.released {
            self.record = record;
        }
    }

    /// How the reign so far has ended, now that there is another.
    fn end(&self) -> &'static str {
        match self.record.released {
            true if self.buried == Some(self.record.term) => goose_change::DEATH_CONFIRMED,
            true => goose_change::HANDED_OVER,
            false => goose_change::LEASE_RAN_OUT,
        }
    }

    /// Whether the same incarnation is Goose again.
    fn goes_on(&self, record: &Record) -> bool {
        self.record.holder.is_some() && self.record.holder == record.holder
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use election::lease::{RECORD, STAMP};
    use election::record::Incarnation;
    use serde_json::json;

    use super::*;

    /// A version of the Lease of `pond`, held by this pod, or released, by this attempt.
    fn lease(holder: Option<&str>, term: u64, attempt: u64) -> Lease {
        let released = holder.is_none();
        let holder = holder.map(|pod| Incarnation::new(pod, "p", "a").unwrap());
        let duration = Duration::from_secs(6);
        let record = Record { holder, attempt, released, ..Record::quarantine(term, duration) };
        let annotations = json!({ RECORD: record.to_text(), STAMP: "l" });
        let metadata = json!({
            "name": "pond", "namespace": "ns", "uid": "l", "resourceVersion": "1",
            "annotations": annotations,
        });
        serde_json::from_value(json!({ "metadata": metadata })).unwrap()
    }

    #[test]
    fn each_way_to_become_goose_has_its_reason_and_its_time() {
        let (reigns, start) = (Reigns::default(), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        let told = |second, holder, term| {
            reigns.observe(&Event::Apply(lease(holder, term, second)), at(second));
        };
        let begun = |term| {
            let begun = reigns.begun("ns", "pond", term);
            (begun.reason, begun.without.map(|without| without.as_secs()))
        };
        assert_eq!(begun(5), ("NotSeen", None));
        told(0, Some("pond-0"), 5);
        assert_eq!(begun(5), ("FirstGoose", None));

        told(100, Some("pond-0"), 5);
        told(101, None, 5);
        told(102, Some("pond-1"), 6);
        assert_eq!(begun(6), ("HandedOver", Some(1)));

        // From its last renewal, not from its release by the operator.
        reigns.buried("ns", "pond", 6);
        told(104, None, 6);
        told(105, Some("pond-2"), 7);
        assert_eq!(begun(7), ("DeathConfirmed", Some(3)));

        // The operator has written orders meanwhile, and the holder nothing.
        reigns.observe(&Event::Apply(lease(Some("pond-2"), 7, 105)), at(109));
        told(112, Some("pond-0"), 8);
        assert_eq!(begun(8), ("LeaseRanOut", Some(7)));
        assert_eq!(begun(7), ("NotSeen", None));
    }

    #[test]
    fn what_was_there_before_anybody_looked_is_not_guessed() {
        let reigns = Reigns::default();
        reigns.follow(&Event::InitApply(lease(Some("pond-0"), 5, 1)));
        assert_eq!(reigns.begun("ns", "pond", 5).reason, "NotSeen");
        reigns.forget("ns", "pond");
        reigns.follow(&Event::Apply(lease(Some("pond-0"), 5, 1)));
        assert_eq!(reigns.begun("ns", "pond", 5).reason, "FirstGoose");
    }
}
