//! Members of two versions: some write a record that others cannot read.

use super::{NONE, QUICK, SLOW, TRUE, pond};
use crate::model::Reached::*;
use crate::model::state::Faults;
use crate::model::{Pond, Slow};

pub fn all() -> Vec<Pond> {
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
