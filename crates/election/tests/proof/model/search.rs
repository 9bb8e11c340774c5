//! The deep search: all that can happen, step by step, to many millions of
//! states.
//!
//! stateright's search, which every test run uses (`check.rs`), keeps each
//! state whole, with the way to it: some 3,000 bytes. This one keeps a state
//! as the numbers of its parts (`parts.rs`), only while it waits to be looked
//! at, and after that its fingerprint and the step that led to it: some 60
//! bytes. Level by level: what it says of so many steps holds for all states
//! that so many steps can reach.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use stateright::{Checker, Expectation, Model};

use super::parts::{Compact, Parts, fingerprint};
use super::state::State;
use super::{Action, Pond};

/// One search, and what is known so far.
pub struct Search<'a> {
    pond: &'a Pond,
    parts: Parts,
    /// Fingerprints of all states found, in shelves that two threads seldom
    /// want at one time.
    found: Vec<Mutex<HashSet<u64>>>,
    /// How many they are.
    states: AtomicUsize,
    /// How many are enough.
    limit: usize,
    /// How each state was found, in the order of the levels.
    steps: Vec<Step>,
    violation: Mutex<Option<(&'static str, Step)>>,
}

/// What came of a search.
pub struct Found {
    pub states: usize,
    /// How many no step, one step, two steps can reach: as far as all were found.
    pub levels: Vec<usize>,
    /// There is nothing beyond: everything was found.
    pub exhausted: bool,
    /// The property, and the steps that violate it.
    pub violation: Option<(&'static str, Vec<Action>)>,
}

/// The state that it was found from, by its place in `steps`, and which of the
/// possible actions led on. A beginning comes from nowhere.
#[derive(Clone, Copy)]
struct Step {
    from: u32,
    action: u16,
}

impl Found {
    /// All that so many steps can reach was found.
    pub fn depth(&self) -> usize {
        self.levels.len() - 1
    }
}

impl<'a> Search<'a> {
    /// Searches until `limit` states are found, there are no more, or a
    /// property is violated. `tell` hears every now and then how many there
    /// are, and how many steps away.
    pub fn run(pond: &'a Pond, limit: usize, tell: &(dyn Fn(usize, usize) + Sync)) -> Found {
        let mut search = Search {
            pond,
            parts: Parts::default(),
            found: (0..SHELVES).map(|_| Mutex::default()).collect(),
            states: AtomicUsize::new(0),
            limit,
            steps: Vec::new(),
            violation: Mutex::new(None),
        };
        let mut level = search.begin();
        let mut levels = vec![level.len()];
        while !level.is_empty() && !search.is_over() {
            level = search.next_level(&level, &|states| tell(states, levels.len()));
            if !level.is_empty() && !search.is_over() {
                levels.push(search.steps.len());
            }
        }
        let violation = search.violation.get_mut().expect("no thread panicked").take();
        Found {
            states: search.states.into_inner(),
            levels,
            exhausted: level.is_empty(),
            violation: violation.map(|(property, last)| (property, way(pond, &search.steps, last))),
        }
    }

    fn begin(&mut self) -> Vec<Compact> {
        let beginnings = self.pond.init_states().into_iter();
        let level: Vec<Compact> = beginnings.filter_map(|state| self.take_in(&state)).collect();
        let steps = (0..).map(|action| Step { from: NOWHERE, action });
        self.steps.extend(steps.take(level.len()));
        level
    }

    /// All states one step on from these, which were found last.
    fn next_level(&mut self, level: &[Compact], tell: &(dyn Fn(usize) + Sync)) -> Vec<Compact> {
        let first = self.steps.len() - level.len();
        let next = AtomicUsize::new(0);
        let found = thread::scope(|scope| {
            let work = || self.work(level, first, &next, tell);
            let workers: Vec<_> = (0..threads()).map(|_| scope.spawn(work)).collect();
            let found = workers.into_iter().map(|worker| worker.join().expect("no thread panics"));
            found.collect::<Vec<_>>().concat()
        });
        self.steps.extend(found.iter().map(|(_, step)| *step));
        found.into_iter().map(|(state, _)| state).collect()
    }

    /// One thread's share of a level.
    fn work(
        &self,
        level: &[Compact],
        first: usize,
        next: &AtomicUsize,
        tell: &(dyn Fn(usize) + Sync),
    ) -> Vec<(Compact, Step)> {
        let mut found = Vec::new();
        while !self.is_over() {
            let from = next.fetch_add(SHARE, Ordering::Relaxed);
            for (index, state) in level.iter().enumerate().skip(from).take(SHARE) {
                self.look_at(state, first + index, &mut found);
            }
            if from + SHARE >= level.len() {
                break;
            }
            tell(self.states.load(Ordering::Relaxed));
        }
        found
    }

    /// Finds what one state leads to.
    fn look_at(&self, state: &Compact, index: usize, found: &mut Vec<(Compact, Step)>) {
        let state = self.parts.whole(state);
        let mut actions = Vec::new();
        self.pond.possible(&state, &mut actions);
        for (number, action) in actions.iter().enumerate() {
            let Some(next) = self.pond.after(&state, action) else { continue };
            let Some(compact) = self.take_in(&next) else { continue };
            let step = Step {
                from: u32::try_from(index).expect("fewer than four thousand million states"),
                action: u16::try_from(number).expect("a few actions"),
            };
            if let Some(property) = violated(self.pond, &next) {
                *self.violation.lock().expect("no thread panicked") = Some((property, step));
            }
            found.push((compact, step));
        }
    }

    /// The state in its parts, where it is a new one.
    fn take_in(&self, state: &State) -> Option<Compact> {
        let compact = self.parts.compact(state);
        let print = fingerprint(&compact);
        let shelf = &self.found[print as usize % SHELVES];
        let new = shelf.lock().expect("no thread panicked").insert(print);
        new.then(|| {
            self.states.fetch_add(1, Ordering::Relaxed);
            compact
        })
    }

    fn is_over(&self) -> bool {
        self.states.load(Ordering::Relaxed) >= self.limit
            || self.violation.lock().expect("no thread panicked").is_some()
    }
}

/// The property that does not hold in this state, if there is one.
fn violated(pond: &Pond, state: &State) -> Option<&'static str> {
    let mut always =
        pond.properties().into_iter().filter(|p| matches!(p.expectation, Expectation::Always));
    always.find(|property| !(property.condition)(pond, state)).map(|property| property.name)
}

/// The actions from a beginning up to this step.
fn way(pond: &Pond, steps: &[Step], last: Step) -> Vec<Action> {
    let mut back = vec![last];
    while let Some(step) = back.last().filter(|step| step.from != NOWHERE) {
        back.push(steps[step.from as usize]);
    }
    let beginning = back.pop().expect("every way has a beginning");
    let mut state = pond.init_states().swap_remove(beginning.action.into());
    let mut way = Vec::new();
    for step in back.into_iter().rev() {
        let mut actions = Vec::new();
        pond.possible(&state, &mut actions);
        let action = actions.swap_remove(step.action.into());
        state = pond.after(&state, &action).expect("it was possible before");
        way.push(action);
    }
    way
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

const NOWHERE: u32 = u32::MAX;

const SHELVES: usize = 64;

/// How many states a thread takes at a time.
const SHARE: usize = 256;

#[test]
fn both_searches_find_the_same_states() {
    let pond = || super::configurations::named("three members and old copies");
    let found = Search::run(&pond(), 20_000, &|_, _| ());
    assert!(found.depth() > 5, "only {} steps", found.depth());
    for (steps, states) in found.levels.iter().enumerate() {
        // It counts states on a way, not steps.
        let other = pond().checker().target_max_depth(steps + 1).spawn_bfs().join();
        assert_eq!(other.unique_state_count(), *states, "after {steps} steps");
    }
}
