//! Rules 10 and 11.

use super::{NONE, QUICK, SLOW, TRUE, lease, pond};
use crate::model::Reached::*;
use crate::model::state::Faults;
use crate::model::{Pond, Slow};

pub fn all() -> Vec<Pond> {
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
