//! A state as the numbers of its parts: few different parts make many states.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::RwLock;
use std::time::Duration;

use ahash::RandomState;
use duckduckgoose_election::lease::Orders;

use super::state::{Faults, Judge, Keeper, Node, State};
use super::store::{Object, Store};

/// A state in 28 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Compact {
    store: u32,
    nodes: [u32; MOST_NODES],
    keepers: [u32; MOST_KEEPERS],
    rest: u32,
}

/// Every part that was ever seen, once.
#[derive(Default)]
pub struct Parts {
    stores: Numbered<Store>,
    nodes: Numbered<Node>,
    keepers: Numbered<Keeper>,
    rests: Numbered<Rest>,
}

/// What else a state is made of.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Rest {
    copy: Option<Object>,
    wanted: Orders,
    longest: Duration,
    left: Faults,
    judge: Judge,
}

impl Parts {
    /// The numbers of a state's parts, which are equal for equal states only.
    pub fn compact(&self, state: &State) -> Compact {
        let State { store, nodes, keepers, copy, wanted, longest, left, judge } = state;
        let rest = Rest {
            copy: copy.clone(),
            wanted: wanted.clone(),
            longest: *longest,
            left: *left,
            judge: judge.clone(),
        };
        Compact {
            store: self.stores.number_of(store),
            nodes: numbers(nodes, &self.nodes),
            keepers: numbers(keepers, &self.keepers),
            rest: self.rests.number_of(&rest),
        }
    }

    /// The state of these parts.
    pub fn whole(&self, compact: &Compact) -> State {
        let Rest { copy, wanted, longest, left, judge } = self.rests.with_number(compact.rest);
        State {
            store: self.stores.with_number(compact.store),
            nodes: parts(&compact.nodes, &self.nodes),
            keepers: parts(&compact.keepers, &self.keepers),
            copy,
            wanted,
            longest,
            left,
            judge,
        }
    }
}

/// 64 bits that stand for the whole: two in a hundred million differ by a chance
/// of some one in four thousand.
pub fn fingerprint(whole: &impl Hash) -> u64 {
    RandomState::with_seeds(1, 2, 3, 4).hash_one(whole)
}

fn numbers<T: Clone + Hash, const MOST: usize>(parts: &[T], numbered: &Numbered<T>) -> [u32; MOST] {
    let mut numbers = [NONE; MOST];
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = numbered.number_of(part);
    }
    numbers
}

fn parts<T: Clone + Hash>(numbers: &[u32], numbered: &Numbered<T>) -> Vec<T> {
    let there = numbers.iter().filter(|number| **number != NONE);
    there.map(|number| numbered.with_number(*number)).collect()
}

/// Parts of one kind, numbered as they come. Told apart by their fingerprints,
/// as the whole states are.
struct Numbered<T> {
    both: RwLock<(HashMap<u64, u32>, Vec<T>)>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Numbered<T> {
        Numbered { both: RwLock::default() }
    }
}

impl<T: Clone + Hash> Numbered<T> {
    fn number_of(&self, part: &T) -> u32 {
        let print = fingerprint(part);
        let known = self.both.read().expect("no thread panicked").0.get(&print).copied();
        known.unwrap_or_else(|| {
            let mut both = self.both.write().expect("no thread panicked");
            let (numbers, parts) = &mut *both;
            *numbers.entry(print).or_insert_with(|| {
                parts.push(part.clone());
                u32::try_from(parts.len() - 1).expect("fewer parts than states")
            })
        })
    }

    fn with_number(&self, number: u32) -> T {
        self.both.read().expect("no thread panicked").1[number as usize].clone()
    }
}

/// As many as any configuration has.
const MOST_NODES: usize = 3;
const MOST_KEEPERS: usize = 2;

/// Stands where a configuration has fewer.
const NONE: u32 = u32::MAX;
