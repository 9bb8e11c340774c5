//! The model: every order of events that a few members, keepers, an API server
//! and some faults can produce, with the machines that ship.
//!
//! What is abstracted: time goes in ticks, a few to a lease; between two ticks
//! anything may happen in any order. Numbers are renamed and time is moved
//! (`normal.rs`), so that a state does not know how long the world has been
//! going on: a configuration is explored until nothing new is found, however
//! many leases that takes. What is bounded: the number of members, of faults of
//! each kind, and of messages on their way.
//!
//! | file | what it is |
//! |---|---|
//! | `state`, `store`, `parts` | a state, and the API server in it; a state in few bytes |
//! | `action`, `act` | what may happen next, and what it leads to |
//! | `messages`, `keepers`, `outsiders`, `settle` | the parts of that |
//! | `normal` | equal for equal behaviour |
//! | `properties`, `reached` | what must hold, and what must be reached |
//! | `configurations` | what is explored |
//! | `check`, `deep`, `search` | by whom: in every test run, and for long |
//! | `mutations` | that each broken rule is found |

mod act;
mod action;
mod check;
mod configurations;
mod deep;
mod keepers;
mod messages;
mod mutations;
mod normal;
mod outsiders;
mod parts;
mod properties;
mod reached;
mod search;
mod settle;
mod state;
mod store;

use std::collections::BTreeSet;
use std::sync::Mutex;

use duckduckgoose_election::mutation::Mutation;
use duckduckgoose_election::timing::Timing;
use stateright::{Model, Property};

pub use action::Action;
pub use reached::Reached;
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
    /// The member that is next in line, by index. Without one they race.
    pub next_in_line: Option<usize>,
    /// The newest record format that each member knows and writes, and that the
    /// keepers know.
    pub knows: [u8; 3],
    pub keepers_know: u8,
    /// The hold that is asked for, in milliseconds.
    pub hold: u64,
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
        properties::all()
    }
}
