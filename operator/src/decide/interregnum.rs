//! The moment between a hand-over and the next Goose.
//!
//! A record that was released is taken some milliseconds later. Whoever empties the slice and takes
//! the label off in between makes kube-proxy load its rules twice, and it waits a second before it
//! does so again (its `minSyncPeriod`): for that second clients would reach nobody. So one write
//! moves the role from pod to pod, and only a record that stays free is told of as it is.

use std::time::Duration;

use election::lease::HandOverOrder;
use election::record::Record;
use election::timing::HEAD_START;
use tokio::time::Instant;

/// The end of a term as it was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interregnum {
    /// The term that ended.
    pub term: u64,
    /// When that was seen.
    pub since: Instant,
}

impl Interregnum {
    /// The interregnum of this record, which may be `known` already; `None` where it is held, or
    /// nobody's without a release: that must be waited out, and clients are told so at once.
    pub fn of(record: Option<&Record>, known: Option<Self>, now: Instant) -> Option<Self> {
        let term = record.filter(|record| record.released)?.term;
        Some(known.filter(|known| known.term == term).unwrap_or(Self { term, since: now }))
    }

    /// For how long yet the next Goose is waited for before the last one's traffic and label go: longer
    /// where the hand-over was ordered to one pod, for which the others wait.
    pub fn rest(&self, ordered: Option<&HandOverOrder>, now: Instant) -> Duration {
        let is_ordered = ordered.is_some_and(|order| order.term == self.term);
        let head_start = if is_ordered { HEAD_START } else { Duration::ZERO };
        (self.since + head_start + NEXT_GOOSE).saturating_duration_since(now)
    }
}

/// Several times what the first in line takes to see the release and to take the record: some 10 ms.
const NEXT_GOOSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn released(term: u64) -> Record {
        Record { released: true, ..Record::quarantine(term, Duration::from_secs(6)) }
    }

    #[tokio::test]
    async fn the_next_goose_is_waited_for_a_moment_from_the_release_on() {
        let (now, ms) = (Instant::now(), Duration::from_millis);
        let began = Interregnum::of(Some(&released(5)), None, now).unwrap();
        assert_eq!(began.rest(None, now), NEXT_GOOSE);
        let later = now + ms(30);
        let known = Interregnum::of(Some(&released(5)), Some(began), later).unwrap();
        assert_eq!(known.rest(None, later), ms(70));
        assert_eq!(known.rest(None, now + ms(200)), Duration::ZERO);
    }

    #[tokio::test]
    async fn one_that_was_named_is_waited_for_longer() {
        let now = Instant::now();
        let began = Interregnum { term: 5, since: now };
        let order = |term| HandOverOrder { to: "p1".into(), term };
        assert_eq!(began.rest(Some(&order(5)), now), HEAD_START + NEXT_GOOSE);
        assert_eq!(began.rest(Some(&order(4)), now), NEXT_GOOSE);
    }

    #[tokio::test]
    async fn each_release_has_its_own() {
        let now = Instant::now();
        let before = Interregnum { term: 5, since: now };
        let later = now + Duration::from_secs(9);
        let next = Interregnum::of(Some(&released(8)), Some(before), later).unwrap();
        assert_eq!(next, Interregnum { term: 8, since: later });
    }

    #[tokio::test]
    async fn what_must_be_waited_out_is_no_interregnum() {
        let now = Instant::now();
        let quarantined = Record::quarantine(5, Duration::from_secs(6));
        assert_eq!(Interregnum::of(Some(&quarantined), None, now), None);
        assert_eq!(Interregnum::of(None, None, now), None);
    }
}
