//! What is explored: each configuration has one or two kinds of fault.

use std::time::Duration;

use duckduckgoose_election::timing::Timing;

use super::Reached::{self, *};
use super::state::Faults;
use super::{Pond, Rates, Slow};

/// All of them.
pub fn all() -> Vec<Pond> {
    let mut all = messages();
    all.extend(clocks());
    all.extend(copies_and_edits());
    all.extend(new_objects());
    all.extend(deaths_and_promises());
    all.extend(orders());
    all.extend(three_members());
    all.extend(version_skew());
    all
}

/// The one of this name.
pub fn named(name: &str) -> Pond {
    let pond = all().into_iter().find(|pond| pond.name == name);
    pond.unwrap_or_else(|| panic!("there is no configuration {name:?}"))
}

/// Rules 1, 2, 5 and 8: messages late and lost, processes that are frozen.
fn messages() -> Vec<Pond> {
    vec![
        Pond {
            name: "frozen",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { gaps: 1, timeouts: 1, ..NONE },
            reaches: &[TakeOver],
            ..pond()
        },
        Pond {
            name: "frozen, with late requests",
            slow: Slow { processes: &[0], requests: true, ..QUICK },
            reaches: &[TakeOver, AppliedLate],
            ..pond()
        },
        Pond {
            name: "late messages",
            slow: Slow { requests: true, answers: true, ..QUICK },
            faults: Faults { timeouts: 1, ..NONE },
            reaches: &[TakeOver, AppliedLate],
            ..pond()
        },
        Pond {
            name: "late watches",
            slow: Slow { watches: &[0, 1], ..QUICK },
            reaches: &[TakeOver],
            ..pond()
        },
        Pond {
            name: "hand-over",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { hand_overs: 1, timeouts: 1, ..NONE },
            reaches: &[HandOver, TakeOver],
            ..pond()
        },
        Pond {
            name: "hand-over with late messages",
            slow: Slow { requests: true, watches: &[1], ..QUICK },
            faults: Faults { hand_overs: 1, ..NONE },
            reaches: &[HandOver, TakeOver],
            ..pond()
        },
        Pond {
            name: "duplicated messages",
            slow: Slow { requests: true, watches: &[0, 1], ..QUICK },
            faults: Faults { duplicates: 2, hand_overs: 1, ..NONE },
            reaches: &[TakeOver, HandOver],
            ..pond()
        },
        Pond {
            name: "crash and restart, with late requests",
            slow: Slow { requests: true, answers: true, ..QUICK },
            faults: Faults { crashes: 2, gaps: 1, ..NONE },
            reaches: &[ConfirmedDeath, TakeOver],
            ..pond()
        },
        Pond {
            name: "shut-down",
            slow: Slow { requests: true, ..QUICK },
            faults: Faults { shut_downs: 1, timeouts: 1, ..NONE },
            reaches: &[HandOver],
            ..pond()
        },
    ]
}

/// Rule 3: clocks that go at different rates, machines that stand still.
fn clocks() -> Vec<Pond> {
    vec![
        Pond {
            name: "asleep",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { sleeps: 2, hand_overs: 1, ..NONE },
            reaches: &[TakeOver, HandOver],
            ..pond()
        },
        Pond {
            name: "paused",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { pauses: 2, hand_overs: 1, ..NONE },
            reaches: &[TakeOver, ClockSuspected],
            ..pond()
        },
        Pond {
            name: "asleep and paused, with late requests",
            slow: Slow { requests: true, ..QUICK },
            faults: Faults { sleeps: 1, pauses: 1, ..NONE },
            reaches: &[TakeOver, ClockSuspected],
            ..pond()
        },
        Pond {
            name: "the Goose's boot clock slewed",
            rates: vec![SLEWED_SLOW, TRUE, TRUE],
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { sleeps: 1, gaps: 1, ..NONE },
            reaches: &[TakeOver],
            ..pond()
        },
        // Four ticks are less than an allowance, and more than a lease on a
        // boot clock that is 10 % fast.
        Pond {
            name: "the Duck's boot clock slewed",
            tick: 472,
            rates: vec![
                Rates { boottime: 467, raw: 467 },
                Rates { boottime: 519, raw: 472 },
                Rates { boottime: 472, raw: 472 },
            ],
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { sleeps: 1, gaps: 1, ..NONE },
            reaches: &[TakeOver],
            ..pond()
        },
    ]
}

/// Rules 4, 5 and 8: what somebody else may write.
fn copies_and_edits() -> Vec<Pond> {
    vec![
        Pond {
            name: "old copies in place",
            slow: Slow { processes: &[0], watches: &[1], ..QUICK },
            faults: Faults { copies: 1, restores: 1, gaps: 1, ..NONE },
            reaches: &[TakeOver],
            ..pond()
        },
        Pond {
            name: "old copies of a hand-over",
            slow: Slow { watches: &[1], ..QUICK },
            faults: Faults { copies: 1, restores: 1, hand_overs: 1, ..NONE },
            reaches: &[HandOver],
            ..pond()
        },
        Pond {
            name: "old copies anew",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { copies: 1, restores: 1, deletions: 1, hand_overs: 1, ..NONE },
            reaches: &[HandOver, WentOn],
            ..pond()
        },
        Pond {
            name: "edits",
            tick: 1000,
            rates: vec![SLOW.twice(), TRUE.twice(), TRUE.twice()],
            timing: lease(4),
            other_timing: lease(4),
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { touches: 1, short_edits: 1, garbage: 1, ..NONE },
            reaches: &[TakeOver, WentOn],
            ..pond()
        },
        Pond {
            name: "stripped stamps and old copies",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { stripped_stamps: 1, copies: 1, restores: 1, ..NONE },
            reaches: &[TakeOver, WentOn],
            ..pond()
        },
    ]
}

/// Rules 6, 7 and 9: deletion, and another lease duration.
fn new_objects() -> Vec<Pond> {
    vec![
        Pond {
            name: "deletion",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { deletions: 1, ..NONE },
            reaches: &[WentOn, TakeOver],
            ..pond()
        },
        Pond {
            name: "deletion, with late watches",
            slow: Slow { watches: &[1], keepers: true, ..QUICK },
            faults: Faults { deletions: 1, ..NONE },
            reaches: &[WentOn],
            ..pond()
        },
        Pond {
            name: "two keepers with stale caches",
            keepers: 2,
            slow: Slow { keepers: true, processes: &[0], ..QUICK },
            faults: Faults { deletions: 1, ..NONE },
            reaches: &[WentOn, TakeOver],
            ..pond()
        },
        Pond {
            name: "two keepers and a death",
            keepers: 2,
            slow: Slow { keepers: true, ..QUICK },
            faults: Faults { crashes: 1, gaps: 1, ..NONE },
            reaches: &[ConfirmedDeath, HandOver],
            ..pond()
        },
        Pond {
            name: "a shorter lease",
            tick: 1000,
            rates: vec![SLOW.twice(), TRUE.twice(), TRUE.twice()],
            timing: lease(4),
            other_timing: lease(2),
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { retimings: 1, ..NONE },
            reaches: &[WentOn, TakeOver],
            ..pond()
        },
        Pond {
            name: "a longer lease and old copies",
            tick: 1000,
            rates: vec![SLOW.twice(), TRUE.twice(), TRUE.twice()],
            // Renewed within a tick, as the shorter one is.
            other_timing: renewed(4, 900),
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { retimings: 1, copies: 1, restores: 1, ..NONE },
            reaches: &[WentOn, TakeOver],
            ..pond()
        },
    ]
}

/// Rules 10 and 11.
fn deaths_and_promises() -> Vec<Pond> {
    vec![
        Pond {
            name: "confirmed death",
            slow: Slow { keepers: true, ..QUICK },
            faults: Faults { crashes: 1, ..NONE },
            reaches: &[ConfirmedDeath, HandOver],
            ..pond()
        },
        Pond {
            name: "late notice of a death",
            next_in_line: Some(0),
            slow: Slow { watches: &[0], ..QUICK },
            faults: Faults { crashes: 1, ..NONE },
            reaches: &[ConfirmedDeath],
            ..pond()
        },
        Pond {
            name: "deaths and old copies",
            slow: Slow { processes: &[1], ..QUICK },
            faults: Faults { crashes: 1, copies: 1, restores: 1, ..NONE },
            reaches: &[ConfirmedDeath],
            ..pond()
        },
        Pond {
            name: "deaths, old copies and a gap",
            slow: Slow { processes: &[1], keepers: true, ..QUICK },
            faults: Faults { crashes: 1, copies: 1, restores: 1, gaps: 1, ..NONE },
            reaches: &[ConfirmedDeath],
            ..pond()
        },
        Pond {
            name: "deaths and promises",
            slow: Slow { requests: true, ..QUICK },
            faults: Faults { crashes: 1, holds: 2, ..NONE },
            reaches: &[ConfirmedDeath, PromiseGiven],
            ..pond()
        },
        Pond {
            name: "promises",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { hand_overs: 1, holds: 2, ..NONE },
            reaches: &[PromiseGiven, HandOver, TakeOver],
            ..pond()
        },
        Pond {
            name: "a shorter lease and promises",
            tick: 1000,
            rates: vec![SLOW.twice(), TRUE.twice(), TRUE.twice()],
            timing: lease(6),
            other_timing: lease(2),
            hold: 2300,
            faults: Faults { retimings: 1, holds: 2, crashes: 1, ..NONE },
            reaches: &[WentOn, PromiseGiven],
            ..pond()
        },
    ]
}

/// What the user wants of the members, at any moment.
fn orders() -> Vec<Pond> {
    vec![
        Pond {
            name: "ordered to hand over",
            slow: Slow { keepers: true, requests: true, ..QUICK },
            faults: Faults { hand_over_orders: 1, ..NONE },
            reaches: &[Reached::HandOverOrdered, HandOver],
            ..pond()
        },
        Pond {
            name: "ordered to hand over, and old copies",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { hand_over_orders: 1, copies: 1, restores: 1, ..NONE },
            reaches: &[Reached::HandOverOrdered, HandOver],
            ..pond()
        },
        Pond {
            name: "paused and let go on",
            slow: Slow { keepers: true, ..QUICK },
            faults: Faults { pause_orders: 2, crashes: 1, hand_overs: 1, ..NONE },
            reaches: &[HandOver],
            ..pond()
        },
        Pond {
            name: "fenced",
            slow: Slow { requests: true, ..QUICK },
            faults: Faults { fence_orders: 2, timeouts: 1, ..NONE },
            reaches: &[Reached::Fenced, HandOver],
            ..pond()
        },
        Pond {
            name: "fenced while the Lease is deleted",
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { fence_orders: 1, deletions: 1, ..NONE },
            reaches: &[Reached::Fenced, WentOn],
            ..pond()
        },
    ]
}

/// Members of two versions: some write a record that others cannot read.
fn version_skew() -> Vec<Pond> {
    vec![
        Pond {
            name: "the Goose is of the next version",
            // It takes before the other one may.
            rates: vec![TRUE, SLOW, TRUE],
            next_in_line: Some(0),
            knows: [2, 1, 1],
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { copies: 1, restores: 1, ..NONE },
            reaches: &[NextFormat],
            ..pond()
        },
        Pond {
            name: "a Duck is of the next version",
            knows: [1, 2, 1],
            slow: Slow { processes: &[0], ..QUICK },
            faults: Faults { hand_overs: 1, crashes: 1, ..NONE },
            reaches: &[NextFormat, TakeOver, HandOver, ConfirmedDeath],
            ..pond()
        },
        Pond {
            name: "the operator is of the next version",
            knows: [1, 2, 1],
            keepers_know: 2,
            slow: Slow { keepers: true, ..QUICK },
            faults: Faults { deletions: 1, crashes: 1, ..NONE },
            reaches: &[NextFormat],
            ..pond()
        },
    ]
}

/// With a third one that nobody thinks of.
fn three_members() -> Vec<Pond> {
    let three = || Pond {
        members: 3,
        tick: 1000,
        rates: vec![SLOW.twice(), TRUE.twice(), TRUE.twice()],
        ..pond()
    };
    vec![
        Pond {
            name: "three members that race",
            next_in_line: None,
            slow: Slow { requests: true, ..QUICK },
            faults: Faults { hand_overs: 1, gaps: 1, ..NONE },
            reaches: &[HandOver, TakeOver],
            ..three()
        },
        Pond {
            name: "three members",
            slow: Slow { requests: true, ..QUICK },
            faults: Faults { hand_overs: 1, ..NONE },
            reaches: &[HandOver, TakeOver],
            ..three()
        },
        Pond {
            name: "three members and old copies",
            slow: Slow { processes: &[1], ..QUICK },
            faults: Faults { copies: 1, restores: 1, hand_overs: 1, ..NONE },
            reaches: &[HandOver, TakeOver],
            ..three()
        },
        Pond {
            name: "three members, one of them dies",
            slow: Slow { watches: &[2], ..QUICK },
            faults: Faults { crashes: 1, gaps: 1, ..NONE },
            reaches: &[ConfirmedDeath],
            ..three()
        },
    ]
}

/// Two members, one keeper, nothing slow and no fault. The first member's
/// clocks are as slow as they may be against the second one's.
fn pond() -> Pond {
    Pond {
        name: "",
        members: 2,
        keepers: 1,
        tick: 500,
        rates: vec![SLOW, TRUE, TRUE],
        timing: lease(2),
        other_timing: lease(2),
        next_in_line: Some(1),
        knows: [1; 3],
        keepers_know: 1,
        // A little less than a tick on the slowest clock, and more than one for
        // its asker.
        hold: 490,
        slow: QUICK,
        faults: NONE,
        reaches: &[],
        mutation: None,
        seen: Default::default(),
    }
}

fn lease(seconds: u64) -> Timing {
    renewed(seconds, seconds * 1000 / 3)
}

fn renewed(seconds: u64, millis: u64) -> Timing {
    let renewal = Duration::from_millis(millis);
    Timing::new(Duration::from_secs(seconds), renewal).expect("within the bounds")
}

impl Rates {
    const fn twice(self) -> Rates {
        Rates { boottime: 2 * self.boottime, raw: 2 * self.raw }
    }
}

/// ρ slower than the true time.
const SLOW: Rates = Rates { boottime: 495, raw: 495 };
const TRUE: Rates = Rates { boottime: 500, raw: 500 };

/// chrony's default lets the boot clock be slewed by some 10 %.
const SLEWED_SLOW: Rates = Rates { boottime: 450, raw: 495 };

const QUICK: Slow =
    Slow { requests: false, answers: false, watches: &[], processes: &[], keepers: false };

const NONE: Faults = Faults {
    timeouts: 0,
    gaps: 0,
    crashes: 0,
    sleeps: 0,
    pauses: 0,
    deletions: 0,
    copies: 0,
    restores: 0,
    touches: 0,
    short_edits: 0,
    garbage: 0,
    stripped_stamps: 0,
    hand_overs: 0,
    shut_downs: 0,
    holds: 0,
    retimings: 0,
    duplicates: 0,
    hand_over_orders: 0,
    pause_orders: 0,
    fence_orders: 0,
};
