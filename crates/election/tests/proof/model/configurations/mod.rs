//! What is explored: each configuration has one or two kinds of fault.

mod clocks;
mod copies_and_edits;
mod deaths_and_promises;
mod messages;
mod new_objects;
mod orders;
mod three_members;
mod version_skew;

use std::time::Duration;

use duckduckgoose_election::timing::Timing;

use super::state::Faults;
use super::{Pond, Rates, Slow};

/// All of them.
pub fn all() -> Vec<Pond> {
    [
        messages::all(),
        clocks::all(),
        copies_and_edits::all(),
        new_objects::all(),
        deaths_and_promises::all(),
        orders::all(),
        three_members::all(),
        version_skew::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The one of this name.
pub fn named(name: &str) -> Pond {
    let pond = all().into_iter().find(|pond| pond.name == name);
    pond.unwrap_or_else(|| panic!("there is no configuration {name:?}"))
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
