//! Rules 4, 5 and 8: what somebody else may write.

use super::{NONE, QUICK, SLOW, TRUE, lease, pond};
use crate::model::Reached::*;
use crate::model::state::Faults;
use crate::model::{Pond, Slow};

pub fn all() -> Vec<Pond> {
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
