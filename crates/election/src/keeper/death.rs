//! Rule 10: death is of an incarnation, not of a pod.
//!
//! The status of a pod lags behind the kubelet by design: when it says that a
//! container terminated, the next incarnation may run and lead already (attack
//! 1), and a record that names a dead one may be an old copy (attack 6). So a
//! record is released only for the very incarnation that is named in a
//! termination message, and only by a keeper that saw it live.

use std::time::Duration;

use crate::clock::{Instant, Reading};
use crate::lease::{Lease, Version};
use crate::mutation::{Broken, Mutation};
use crate::record::{Incarnation, Record};
use crate::timing::stretched;

/// What one keeper has seen of one cluster's holders, and of their deaths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeathWatch {
    lease: Option<Lease>,
    /// Whether the record was seen renewed in its term on an unbroken watch.
    seen_renewed: bool,
    deaths: Vec<Death>,
    broken: Broken,
}

/// The release of a dead holder's record, to be written as one update of the
/// object with this uid and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// `metadata.uid` that the object must have.
    pub uid: String,
    /// `metadata.resourceVersion` that the object must have.
    pub version: Version,
    /// The record to write.
    pub record: Record,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Death {
    who: Incarnation,
    seen: Instant,
}

impl DeathWatch {
    /// A watch one of whose rules is broken, for the proof.
    #[cfg(feature = "mutations")]
    pub fn mutated(mutation: Option<Mutation>) -> DeathWatch {
        DeathWatch { broken: Broken::by(mutation), ..DeathWatch::default() }
    }

    /// A fresh read or list found this: a gap, unless it is the version that
    /// was known.
    pub fn read(&mut self, lease: Option<Lease>) {
        let known = self.lease.as_ref().map(|known| (&known.uid, known.version));
        let gap = lease.as_ref().map(|found| (&found.uid, found.version)) != known;
        if gap && !self.broken.is(Mutation::DeathOverGap) {
            self.seen_renewed = false;
        }
        self.lease = lease;
    }

    /// The next version on the unbroken watch.
    pub fn watched(&mut self, lease: Lease) {
        if let Some(known) = &self.lease
            && known.version < lease.version
        {
            self.seen_renewed = continues(known, &lease, self.seen_renewed, self.broken);
            self.lease = Some(lease);
        } else if self.lease.is_none() {
            self.lease = Some(lease);
        }
    }

    /// The unbroken watch told that the Lease was deleted.
    pub fn deleted(&mut self) {
        self.lease = None;
        self.seen_renewed = false;
    }

    /// A sidecar's termination message names this incarnation. A missing Pod, a
    /// phase or `ContainerStatusUnknown` prove nothing, and are not told here.
    pub fn died(&mut self, now: &Reading, who: Incarnation) {
        if self.deaths.iter().any(|death| death.who == who) {
            return;
        }
        if self.deaths.len() == MOST_DEATHS {
            self.deaths.remove(0);
        }
        self.deaths.push(Death { who, seen: now.instant() });
    }

    /// The release that may be written now, if there is one: of a holder that was seen renewing on an
    /// unbroken watch, that is dead, and whose longest promise has passed (rules 10 and 11). The same
    /// one until another version is seen.
    pub fn release(&self, now: &Reading) -> Option<Release> {
        let (lease, record, due) = self.dead_holder()?;
        due.reached_on_both(now).then(|| Release {
            uid: lease.uid.clone(),
            version: lease.version,
            record: Record {
                holder: None,
                attempt: record.attempt + 1,
                released: true,
                ..record.clone()
            },
        })
    }

    /// After how long [`DeathWatch::release`] may have something to write;
    /// `None` while only something that is seen can change that.
    pub fn wake(&self, now: &Reading) -> Option<Duration> {
        self.dead_holder().map(|(_, _, due)| due.until_both(now))
    }

    /// The record whose holder is dead, and when its longest promise is over.
    fn dead_holder(&self) -> Option<(&Lease, &Record, Instant)> {
        let seen = self.seen_renewed || self.broken.is(Mutation::DeathUnseen);
        let lease = self.lease.as_ref().filter(|lease| lease.stamped && seen)?;
        let record = lease.record.as_ref().ok()?;
        let holder = record.holder.as_ref()?;
        let death = self.deaths.iter().find(|death| self.is_of(death, holder))?;
        let hold =
            if self.broken.is(Mutation::DeathBreaksPromise) { Duration::ZERO } else { record.hold };
        let hold = if self.broken.is(Mutation::DeathUnstretched) { hold } else { stretched(hold) };
        Some((lease, record, death.seen.plus(hold)))
    }

    fn is_of(&self, death: &Death, holder: &Incarnation) -> bool {
        let same_pod = death.who.pod_uid() == holder.pod_uid();
        death.who == *holder || same_pod && self.broken.is(Mutation::DeathOfPod)
    }
}

/// Whether the newer record is that of a holder that was seen renewing it.
fn continues(older: &Lease, newer: &Lease, seen_renewed: bool, broken: Broken) -> bool {
    let (Ok(was), Ok(is)) = (&older.record, &newer.record) else { return false };
    let same_term = older.uid == newer.uid
        && is.holder.is_some()
        && was.holder == is.holder
        && was.term == is.term;
    // An older attempt of the same term is a copy, not a sign of life.
    if broken.is(Mutation::OldAttemptIsLife) {
        return same_term && (seen_renewed || is.attempt != was.attempt);
    }
    same_term && is.attempt >= was.attempt && (seen_renewed || is.attempt > was.attempt)
}

#[cfg(feature = "mutations")]
impl crate::canonical::Canonical for DeathWatch {
    fn canonical(&mut self, renaming: &mut dyn crate::canonical::Renaming) {
        self.lease.canonical(renaming);
        for death in &mut self.deaths {
            renaming.instant(&mut death.seen);
        }
    }
}

/// More incarnations of one cluster than can die within what matters.
const MOST_DEATHS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::Orders;

    fn incarnation(nonce: &str) -> Incarnation {
        Incarnation::new("pond-0", "u0", nonce).unwrap()
    }

    fn lease(version: Version, nonce: &str, attempt: u64) -> Lease {
        let s = Duration::from_secs;
        let (holder, hold) = (Some(incarnation(nonce)), Duration::from_millis(500));
        let record = Record { holder, term: 5, attempt, duration: s(6), hold, released: false };
        let orders = Orders::default();
        Lease { uid: "l".into(), version, stamped: true, record: Ok(record), orders }
    }

    fn at(millis: u64) -> Reading {
        let time = Duration::from_millis(millis);
        Reading { boottime: time, raw: time, slept: Duration::ZERO, wall: time }
    }

    fn seen_renewed(nonce: &str) -> DeathWatch {
        let mut watch = DeathWatch::default();
        watch.read(Some(lease(10, nonce, 1)));
        watch.watched(lease(11, nonce, 2));
        watch
    }

    #[test]
    fn a_confirmed_death_is_released_after_the_longest_promise() {
        let mut watch = seen_renewed("a");
        assert_eq!(watch.wake(&at(0)), None);
        watch.died(&at(0), incarnation("a"));
        assert_eq!(watch.wake(&at(0)), Some(Duration::from_millis(560)));
        assert_eq!(watch.release(&at(559)), None);
        let release = watch.release(&at(560)).expect("the promise is over");
        assert_eq!((release.uid.as_str(), release.version), ("l", 11));
        assert_eq!((release.record.holder, release.record.released), (None, true));
        assert_eq!((release.record.term, release.record.attempt), (5, 3));
    }

    #[test]
    fn the_death_of_an_earlier_incarnation_of_the_same_pod_says_nothing() {
        let mut watch = seen_renewed("b");
        watch.died(&at(0), incarnation("a"));
        assert_eq!(watch.release(&at(100_000)), None);
    }

    #[test]
    fn an_old_copy_of_a_dead_holder_is_not_released() {
        // Never seen renewed: it may have been put there.
        let mut watch = DeathWatch::default();
        watch.died(&at(0), incarnation("a"));
        watch.read(Some(lease(10, "a", 1)));
        assert_eq!(watch.release(&at(100_000)), None);
        // Seen renewed, then overwritten with an older attempt.
        let mut watch = seen_renewed("a");
        watch.watched(lease(12, "a", 1));
        watch.died(&at(0), incarnation("a"));
        assert_eq!(watch.release(&at(100_000)), None);
    }

    #[test]
    fn a_gap_forgets_that_it_was_seen_renewed() {
        let mut watch = seen_renewed("a");
        watch.died(&at(0), incarnation("a"));
        watch.read(Some(lease(11, "a", 2)));
        assert!(watch.release(&at(100_000)).is_some(), "the very same version is no gap");
        watch.read(Some(lease(12, "a", 2)));
        assert_eq!(watch.release(&at(100_000)), None);
    }

    #[test]
    fn the_operators_own_writes_are_no_gap() {
        let mut watch = seen_renewed("a");
        watch.watched(lease(12, "a", 2));
        watch.died(&at(0), incarnation("a"));
        assert_eq!(watch.release(&at(100_000)).map(|release| release.version), Some(12));
    }
}
