//! Rules 6, 7 and 9: deletion, and another lease duration.

use super::{NONE, QUICK, SLOW, TRUE, lease, pond, renewed};
use crate::model::Reached::*;
use crate::model::state::Faults;
use crate::model::{Pond, Slow};

pub fn all() -> Vec<Pond> {
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
