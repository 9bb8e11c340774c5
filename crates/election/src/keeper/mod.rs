//! Rules 6 and 9: the operator's part in the election. It stamps, it
//! quarantines, it gives orders, and it makes a new object for another lease
//! duration; it never names a holder. Rule 10: it releases the record of a
//! holder whose death is confirmed ([`DeathWatch`]).

mod death;

use std::time::Duration;

pub use death::{DeathWatch, Release};

use crate::lease::{Lease, Orders};
use crate::mutation::{Broken, Mutation};
use crate::record::{Record, Unreadable};
use crate::timing::clamped;

/// What the keeper wants done to the Lease, in one write with the uid and the
/// resourceVersion of the version it was decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Stamp the object with its own uid, make its record this quarantine, and
    /// write the orders.
    Quarantine {
        /// The record to write.
        record: Record,
        /// Why, for people.
        why: Why,
    },
    /// Write the orders, and keep all else.
    GiveOrders,
    /// Delete it, with its uid and resourceVersion as preconditions, and create
    /// an empty one, which is then quarantined: another lease duration is
    /// wanted, and the duration belongs to the object (rule 9). A living Goose
    /// goes on over this (rule 6).
    Recreate,
    /// Leave it alone: its record is of a format that this version cannot
    /// read, and that members of another version go by.
    LeaveAlone(Unreadable),
}

/// Why a Lease is quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It appeared under the name: new, restored, copied or made by hand.
    NotStamped,
    /// Its record is missing or makes no sense.
    Unreadable,
}

/// What is to be done to this version of the Lease; `None` when nothing is.
///
/// `longest` is the longest lease that the cluster has ever used: a Goose that
/// nobody knows of may count on no more than that. It must have been read from
/// the API server after this version of the Lease was seen: a cache of it may be
/// older than the lease that somebody counts on.
pub fn chore(lease: &Lease, orders: &Orders, longest: Duration) -> Option<Chore> {
    decide(lease, orders, longest, Broken::default())
}

/// As [`chore`], of a keeper one of whose rules is broken, for the proof.
#[cfg(feature = "mutations")]
pub fn mutated_chore(
    lease: &Lease,
    orders: &Orders,
    longest: Duration,
    mutation: Option<Mutation>,
) -> Option<Chore> {
    decide(lease, orders, longest, Broken::by(mutation))
}

fn decide(lease: &Lease, orders: &Orders, longest: Duration, broken: Broken) -> Option<Chore> {
    let quarantine = |term, why| {
        Some(Chore::Quarantine { record: waited_out(lease, orders, term, longest, broken), why })
    };
    if !lease.stamped {
        let term = lease.record.as_ref().map_or(0, |record| record.term);
        return quarantine(term, Why::NotStamped);
    }
    match &lease.record {
        Err(why @ Unreadable::Format(_)) => Some(Chore::LeaveAlone(why.clone())),
        _ if lease.orders.timing != orders.timing && !broken.is(Mutation::DurationOfOrders) => {
            Some(Chore::Recreate)
        }
        Err(_) => quarantine(0, Why::Unreadable),
        Ok(_) => (lease.orders != *orders).then_some(Chore::GiveOrders),
    }
}

/// The record that a stamping write leaves: a quarantine, for the longest lease
/// ever used.
fn waited_out(
    lease: &Lease,
    orders: &Orders,
    term: u64,
    longest: Duration,
    broken: Broken,
) -> Record {
    let quarantine = Record::quarantine(term, clamped(longest));
    match (&lease.record, orders.timing) {
        (Ok(record), _) if broken.is(Mutation::StampKeepsRecord) => record.clone(),
        (_, Some(timing)) if broken.is(Mutation::QuarantineForCurrent) => {
            Record::quarantine(term, timing.lease())
        }
        _ if broken.is(Mutation::FirstIsFree) => Record { released: true, ..quarantine },
        _ => quarantine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Incarnation;
    use crate::timing::Timing;

    const LONGEST: Duration = Duration::from_secs(15);

    fn lease(stamped: bool, record: Result<Record, Unreadable>) -> Lease {
        Lease { uid: "u".into(), version: 9, stamped, record, orders: Orders::default() }
    }

    fn held() -> Result<Record, Unreadable> {
        let holder = Some(Incarnation::new("pond-0", "p0", "a").unwrap());
        let s = Duration::from_secs;
        Ok(Record { holder, term: 5, attempt: 2, duration: s(6), hold: s(0), released: false })
    }

    #[test]
    fn an_object_without_its_own_stamp_is_quarantined_whatever_it_says() {
        for record in [held(), Err(Unreadable::Missing), Err(Unreadable::Format(2))] {
            let found = chore(&lease(false, record), &Orders::default(), LONGEST);
            let Some(Chore::Quarantine { record, why: Why::NotStamped }) = found else {
                panic!("found {found:?}")
            };
            assert!(record.is_quarantine());
            assert_eq!(record.duration, LONGEST);
        }
    }

    #[test]
    fn garbage_is_quarantined_and_the_next_format_is_left_alone() {
        let garbage =
            chore(&lease(true, Err(Unreadable::Garbage("x".into()))), &Orders::default(), LONGEST);
        assert!(matches!(garbage, Some(Chore::Quarantine { why: Why::Unreadable, .. })));
        let next = chore(&lease(true, Err(Unreadable::Format(2))), &Orders::default(), LONGEST);
        assert_eq!(next, Some(Chore::LeaveAlone(Unreadable::Format(2))));
    }

    #[test]
    fn another_duration_makes_a_new_object() {
        let timing = Timing::new(Duration::from_secs(9), Duration::from_secs(3)).ok();
        let orders = Orders { timing, ..Orders::default() };
        assert_eq!(chore(&lease(true, held()), &orders, LONGEST), Some(Chore::Recreate));
        let empty = chore(&lease(false, Err(Unreadable::Missing)), &orders, LONGEST);
        assert!(matches!(empty, Some(Chore::Quarantine { .. })));
    }

    #[test]
    fn a_good_lease_is_written_only_when_the_orders_differ() {
        assert_eq!(chore(&lease(true, held()), &Orders::default(), LONGEST), None);
        let orders = Orders { paused: true, ..Orders::default() };
        assert_eq!(chore(&lease(true, held()), &orders, LONGEST), Some(Chore::GiveOrders));
    }
}
