//! Rule 3: clocks that go at different rates, machines that stand still.

use super::{NONE, QUICK, SLEWED_SLOW, TRUE, pond};
use crate::model::Reached::*;
use crate::model::state::Faults;
use crate::model::{Pond, Rates, Slow};

pub fn all() -> Vec<Pond> {
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
