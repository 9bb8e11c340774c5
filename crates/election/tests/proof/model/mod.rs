//! The model: every order of events that a few members, keepers, an API server
//! and some faults can produce, with the machines that ship.
//!
//! What is abstracted: time goes in ticks, a few to a lease; between two ticks
//! anything may happen in any order. Numbers are renamed and time is moved
//! (`normal.rs`), so that a state does not know how long the world has been
//! going on: a configuration is explored until nothing new is found, however
//! many leases that takes. What is bounded: the number of members, of faults of
//! each kind, and of messages on their way.

mod act;
mod check;
mod configurations;
mod mutations;
mod normal;
mod state;
mod store;

use std::collections::BTreeSet;
use std::sync::Mutex;

use duckduckgoose_election::member::Role;
use duckduckgoose_election::mutation::Mutation;
use duckduckgoose_election::timing::Timing;
use stateright::{Model, Property};

pub use act::Action;
use state::{Faults, State};

/// What one search explores.
#[derive(Debug)]
pub struct Pond {
    pub name: &'static str,
    pub members: usize,
    pub keepers: usize,
    /// Milliseconds of true time that a tick lasts.
    pub tick: u64,
    /// What each member's clocks tell to have passed in a tick.
    pub rates: Vec<Rates>,
    pub timing: Timing,
    /// What the user changes the timing to, where there is a budget for it.
    pub other_timing: Timing,
    pub slow: Slow,
    pub faults: Faults,
    /// What must be reached, so that the search is not one of nothing.
    pub reaches: &'static [Reached],
    pub mutation: Option<Mutation>,
    pub seen: Mutex<BTreeSet<Reached>>,
}

/// Milliseconds per tick on the two clocks that measure spans.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub boottime: u64,
    pub raw: u64,
}

/// What takes a time of its own. All else happens at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slow {
    /// Writes on their way to the API server.
    pub requests: bool,
    /// Answers on their way back.
    pub answers: bool,
    /// The watches of these members, by index.
    pub watches: &'static [usize],
    /// The processes of these members: they may sleep over any time.
    pub processes: &'static [usize],
    /// The caches of the keepers, and their acts.
    pub keepers: bool,
}

/// Something worth reaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    HandOver,
    TakeOver,
    TookOwn,
    AppliedLate,
    /// A Goose renewed the quarantine of a new object.
    WentOn,
    ConfirmedDeath,
    ClockSuspected,
    PromiseGiven,
}

impl Model for Pond {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.cold(), self.warm()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.after(state, &action)
    }

    fn properties(&self) -> Vec<Property<Pond>> {
        vec![
            Property::always("never two Geese", |pond: &Pond, state: &State| {
                state.geese(pond).count() <= 1
            }),
            Property::always("terms, releases and promises", |_, state: &State| {
                state.judge.violation.is_none()
            }),
        ]
    }
}

impl State {
    /// The members that would answer "Goose" now.
    fn geese<'a>(&'a self, pond: &'a Pond) -> impl Iterator<Item = (usize, u64)> + 'a {
        self.nodes.iter().enumerate().filter_map(|(index, node)| match node.role(pond) {
            Role::Goose { term } => Some((index, term)),
            Role::Duck => None,
        })
    }
}
