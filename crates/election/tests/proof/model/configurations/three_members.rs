//! With a third one that nobody thinks of.

use super::{NONE, QUICK, SLOW, TRUE, pond};
use crate::model::Reached::*;
use crate::model::state::Faults;
use crate::model::{Pond, Slow};

pub fn all() -> Vec<Pond> {
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
