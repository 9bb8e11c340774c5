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
mod deep;
mod mutations;
mod normal;
mod parts;
mod search;
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
    /// A Goose obeyed an order of the operator.
    HandOverOrdered,
    Fenced,
    /// Somebody could not read what a member of the next version wrote.
    NextFormat,
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
            holds(TERMS_RISE),
            holds(STOPPED_BEFORE_RELEASED),
            holds(GIVEN_UP_IS_OVER),
            holds(PROMISES_ARE_KEPT),
            holds(ALL_COMES_TO_REST),
        ]
    }
}

/// Nothing has violated this property yet.
fn holds(property: &'static str) -> Property<Pond> {
    let holds: fn(&Pond, &State) -> bool = match property {
        TERMS_RISE => |_, state| state.judge.violation != Some(TERMS_RISE),
        STOPPED_BEFORE_RELEASED => {
            |_, state| state.judge.violation != Some(STOPPED_BEFORE_RELEASED)
        }
        GIVEN_UP_IS_OVER => |_, state| state.judge.violation != Some(GIVEN_UP_IS_OVER),
        PROMISES_ARE_KEPT => |_, state| state.judge.violation != Some(PROMISES_ARE_KEPT),
        _ => |_, state| state.judge.violation != Some(ALL_COMES_TO_REST),
    };
    Property::always(property, holds)
}

/// Rule 7: each Goose has a greater term than all before it.
const TERMS_RISE: &str = "terms rise";

/// Rule 8: who releases says "Duck" before the release is written.
const STOPPED_BEFORE_RELEASED: &str = "stopped before released";

/// Rule 1: who gave its role up is not Goose again in that term.
const GIVEN_UP_IS_OVER: &str = "what was given up is over";

/// Rule 11: nobody else is Goose while somebody's promise holds.
const PROMISES_ARE_KEPT: &str = "promises are kept";

/// At one instant, members do not write again and again.
const ALL_COMES_TO_REST: &str = "all comes to rest";

impl State {
    /// The members that would answer "Goose" now.
    fn geese<'a>(&'a self, pond: &'a Pond) -> impl Iterator<Item = (usize, u64)> + 'a {
        self.nodes.iter().enumerate().filter_map(|(index, node)| match node.role(pond) {
            Role::Goose { term } => Some((index, term)),
            Role::Duck => None,
        })
    }
}
