//! For each mutation, who finds out.

use std::cell::Cell;
use std::sync::Once;

use duckduckgoose_election::mutation::Mutation;

use super::{check, configurations};
use crate::{simulation, stories};

#[test]
#[ignore]
fn who_can() {
    be_quiet_about_expected_panics();
    let only = std::env::var("MUTATION").ok();
    let limit = std::env::var("LIMIT").map_or(300_000, |text| text.parse().expect("a number"));
    for mutation in Mutation::ALL {
        if only.as_ref().is_some_and(|only| *only != format!("{mutation:?}")) { continue; }
        let mut line = format!("{mutation:?}: ");
        QUIET.set(true);
        if let Some(seed) = simulation::first_to_fail(mutation, 0..500) { line += &format!("seed {seed}; "); }
        for story in std::fs::read_dir("testdata").unwrap() {
            let name = story.unwrap().file_name().into_string().unwrap();
            let name = name.trim_end_matches(".txt");
            if stories::goes_otherwise(name, mutation) { line += &format!("{name}; "); }
        }
        QUIET.set(false);
        for pond in configurations::all() {
            let began = std::time::Instant::now();
            if let Some(told) = check::shortest_violation(pond.name, mutation, limit) {
                line += &format!("[{} {} {:.1}s]; ", pond.name, told.split(':').next().unwrap().trim_start_matches("violated after"), began.elapsed().as_secs_f64());
            }
        }
        println!("{line}");
    }
}

/// A panic that is the very thing that is wanted need not be told.
fn be_quiet_about_expected_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                tell(info);
            }
        }));
    });
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}
