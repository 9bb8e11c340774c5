//! For the model checker: states that differ only in what no rule looks at
//! become the same state.
//!
//! Rules compare versions, terms and attempts, and compare instants with now;
//! none looks at their values. So a state may be moved in time and have its
//! numbers renamed in their order, and behaves the same. What is there for
//! people only is forgotten.

use std::time::Duration;

use crate::clock::{Instant, Reading};
use crate::record::Incarnation;

/// What may be renamed or moved in a state, each handed over in turn.
pub trait Renaming {
    /// A resourceVersion, or a term, which is one.
    fn version(&mut self, version: &mut u64);
    /// The number of an attempt to write by this incarnation. Compared with its
    /// own others only; that of a record that nobody holds, with its neighbours.
    fn attempt(&mut self, of: Option<&Incarnation>, attempt: &mut u64);
    /// An instant on this machine's clocks.
    fn instant(&mut self, instant: &mut Instant);
    /// A look at this machine's clocks.
    fn reading(&mut self, reading: &mut Reading);
    /// What the clocks say, after the renaming.
    fn now(&self) -> Reading;
}

/// A part of a state.
pub trait Canonical {
    /// Hands over all that may be renamed or moved, and forgets what does not
    /// matter.
    fn canonical(&mut self, renaming: &mut dyn Renaming);
}

impl<T: Canonical> Canonical for Option<T> {
    fn canonical(&mut self, renaming: &mut dyn Renaming) {
        if let Some(part) = self {
            part.canonical(renaming);
        }
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn canonical(&mut self, renaming: &mut dyn Renaming) {
        for part in self {
            part.canonical(renaming);
        }
    }
}

impl Instant {
    /// Moves it `by` back on each clock, and not before `floor`.
    pub fn move_back(&mut self, by: Instant, floor: Duration) {
        *self = self.with(by, |clock, by| clock.saturating_sub(by).max(floor));
    }
}
