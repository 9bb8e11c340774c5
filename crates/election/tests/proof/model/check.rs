//! Searches, and what they found.
//!
//! `MODEL=<name>` explores one configuration only, `LIMIT=<n>` gives up after
//! so many states (seen again or not).

use std::time::{Duration, Instant};

use duckduckgoose_election::mutation::Mutation;
use stateright::{Checker, HasDiscoveries, Model};

use super::{Pond, configurations};

#[test]
fn never_two_geese_in_any_order_of_events() {
    let only = std::env::var("MODEL").ok();
    let wanted = |pond: &Pond| only.as_ref().is_none_or(|only| only == pond.name);
    let total: usize = configurations::all().into_iter().filter(wanted).map(explore).sum();
    println!("{total:>10} unique states in all");
}

/// Explores all that can happen, and tells the number of unique states.
fn explore(pond: Pond) -> usize {
    let began = Instant::now();
    let limit = std::env::var("LIMIT").map_or(usize::MAX, |text| text.parse().expect("a number"));
    let checker = pond.checker().target_state_count(limit).spawn_bfs().join();
    println!(
        "{:>10} unique states, {:>3} steps deep, {:>5.1} s: {}",
        checker.unique_state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64(),
        checker.model().name
    );
    if let Some(told) = violation(&checker) {
        panic!("{}: {told}", checker.model().name);
    }
    let seen = checker.model().seen.lock().expect("nobody panicked");
    if limit == usize::MAX {
    for reached in checker.model().reaches {
        if !seen.contains(reached) { println!("!!!! never reached {reached:?}");}
    }}
    checker.unique_state_count()
}

/// How this configuration goes wrong when this rule is broken, if it does
/// within so many states.
pub fn shortest_violation(name: &str, mutation: Mutation, limit: usize) -> Option<String> {
    let pond = configurations::all().into_iter().find(|pond| pond.name == name);
    let pond = pond.unwrap_or_else(|| panic!("there is no configuration {name:?}"));
    let checker = Pond { mutation: Some(mutation), ..pond }
        .checker()
        .target_state_count(limit)
        .timeout(Duration::from_secs(600))
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    violation(&checker)
}

/// What was violated, and the steps that led to it.
fn violation(checker: &impl Checker<Pond>) -> Option<String> {
    let (property, path) = checker.discoveries().into_iter().next()?;
    let steps: Vec<String> =
        path.into_actions().iter().map(|action| format!("  {action:?}")).collect();
    Some(format!("violated after {} steps: {property}\n{}", steps.len(), steps.join("\n")))
}
