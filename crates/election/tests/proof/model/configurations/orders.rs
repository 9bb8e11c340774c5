//! What the user wants of the members, at any moment.

use super::{NONE, QUICK, pond};
use crate::model::Reached::{self, *};
use crate::model::state::Faults;
use crate::model::{Pond, Slow};

pub fn all() -> Vec<Pond> {
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
