//! Whose turn it is to take a new sidecar.
//!
//! A turn ends when all pods of the cluster are up to date, and not before: a new sidecar that does
//! not come up stops at the first clusters that have it. The StatefulSets tell whose turn it is (see
//! `decide::upgrade`); this is for decisions that are made at the same time.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::Id;

/// Whose turn it is, and who waits.
#[derive(Debug)]
pub struct Turns {
    at_once: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    upgrading: HashSet<Id>,
    waiting: BTreeSet<Id>,
}

impl Turns {
    /// So many clusters at the same time, of which these have begun already.
    pub fn new(at_once: usize, upgrading: impl IntoIterator<Item = Id>) -> Turns {
        let state =
            State { upgrading: upgrading.into_iter().collect(), waiting: BTreeSet::default() };
        Turns { at_once, state: Mutex::new(state) }
    }

    /// Whether it is the cluster's turn. Where it is not, it is noted as waiting.
    pub fn ask(&self, cluster: &Id) -> bool {
        let mut state = self.state();
        if state.upgrading.len() < self.at_once {
            state.upgrading.insert(cluster.clone());
        }
        let its_turn = state.upgrading.contains(cluster);
        if !its_turn {
            state.waiting.insert(cluster.clone());
        }
        its_turn
    }

    /// It is the cluster's turn: it says so itself.
    pub fn goes_on(&self, cluster: &Id) {
        let mut state = self.state();
        state.waiting.remove(cluster);
        state.upgrading.insert(cluster.clone());
    }

    /// The cluster needs no turn, or no more. Tells whose turn it is instead, if that begins now.
    pub fn needs_none(&self, cluster: &Id) -> Option<Id> {
        let mut state = self.state();
        state.waiting.remove(cluster);
        if !state.upgrading.remove(cluster) || state.upgrading.len() >= self.at_once {
            return None;
        }
        let next = state.waiting.pop_first()?;
        state.upgrading.insert(next.clone());
        Some(next)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of it is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        Id::new("ns", name)
    }

    #[test]
    fn one_after_the_other() {
        let turns = Turns::new(1, []);
        assert!(turns.ask(&id("a")));
        assert!(!turns.ask(&id("c")));
        assert!(!turns.ask(&id("b")));
        assert!(turns.ask(&id("a")), "it is still its turn");
        assert_eq!(turns.needs_none(&id("d")), None);
        assert_eq!(turns.needs_none(&id("a")), Some(id("b")));
        assert!(!turns.ask(&id("c")));
        assert_eq!(turns.needs_none(&id("b")), Some(id("c")));
        assert_eq!(turns.needs_none(&id("c")), None);
        assert!(turns.ask(&id("a")));
    }

    #[test]
    fn who_has_begun_before_goes_on() {
        let turns = Turns::new(2, [id("x"), id("y")]);
        assert!(!turns.ask(&id("a")));
        turns.goes_on(&id("z"));
        assert_eq!(turns.needs_none(&id("x")), None, "two are upgrading yet");
        assert_eq!(turns.needs_none(&id("y")), Some(id("a")));
    }

    #[test]
    fn who_needs_no_turn_any_more_does_not_get_one() {
        let turns = Turns::new(1, [id("x")]);
        for waiting in ["a", "b"] {
            assert!(!turns.ask(&id(waiting)));
        }
        assert_eq!(turns.needs_none(&id("a")), None);
        assert_eq!(turns.needs_none(&id("x")), Some(id("b")));
    }

    #[test]
    fn of_none_at_once_nobody_has_a_turn() {
        let turns = Turns::new(0, []);
        assert!(!turns.ask(&id("a")));
        assert_eq!(turns.needs_none(&id("b")), None);
    }
}
