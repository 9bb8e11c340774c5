//! Rules 1, 2, 5 and 8: messages late and lost, processes that are frozen.

use super::{NONE, QUICK, pond};
use crate::model::Reached::*;
use crate::model::state::Faults;
use crate::model::{Pond, Slow};

pub fn all() -> Vec<Pond> {
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
