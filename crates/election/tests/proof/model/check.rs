//! Searches, and what they found.
//!
//! `MODEL=<name>` explores one configuration only. `MOST_STATES=<n>` says how
//! many states of each are looked at, seen before or not; without it, each is
//! searched breadth-first for a little while.

use std::num::NonZeroUsize;
use std::time::Instant;

use stateright::{Checker, Model};

use super::{Pond, configurations};

#[test]
fn never_two_geese_in_any_order_of_events() {
    let only = std::env::var("MODEL").ok();
    let wanted = |pond: &Pond| only.as_ref().is_none_or(|only| only == pond.name);
    let total: usize = configurations::all().into_iter().filter(wanted).map(explore).sum();
    println!("{total:>10} unique states in all");
    assert!(only.is_some() || total >= 1_000_000, "too little was explored: {total} states");
}

/// Explores what can happen, and tells the number of unique states.
fn explore(pond: Pond) -> usize {
    let began = Instant::now();
    let most = std::env::var("MOST_STATES").map(|text| text.parse().expect("a number"));
    let most = most.unwrap_or(QUICK_LOOK);
    let checker = pond.checker().threads(threads()).target_state_count(most).spawn_bfs().join();
    let pond = checker.model();
    let all = if checker.state_count() < most { "all" } else { "the first" };
    println!(
        "{all:>9} {:>9} unique states, to {:>2} steps, in {:>5.1} s: {}",
        checker.unique_state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64(),
        pond.name
    );
    if let Some(told) = violation(&checker) {
        panic!("{}: {told}", pond.name);
    }
    let seen = pond.seen.lock().expect("nobody panicked");
    for reached in pond.reaches {
        assert!(seen.contains(reached), "{}: never reached {reached:?}", pond.name);
    }
    checker.unique_state_count()
}

/// What was violated, and the steps that led to it.
fn violation(checker: &impl Checker<Pond>) -> Option<String> {
    let (property, path) = checker.discoveries().into_iter().next()?;
    let steps: Vec<String> = path.into_actions().iter().map(|step| format!("{step:?}")).collect();
    Some(format!("not {property:?} after {} steps: {}", steps.len(), steps.join(", ")))
}

/// Memory is shared, so it does not grow with them.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// For a test run: some two seconds for each configuration.
const QUICK_LOOK: usize = 300_000;
