//! Every configuration, searched to millions of states.
//!
//! `cargo xtask model --deep` runs it. `MODEL=<part of a name>` searches some
//! configurations only, `MOST_STATES=<n>` says how many states of each.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::search::{Found, Search};
use super::state::Faults;
use super::{Pond, configurations};

#[test]
#[ignore = "takes half an hour: cargo xtask model --deep"]
fn never_two_geese_in_many_millions_of_states() {
    let only = std::env::var("MODEL").unwrap_or_default();
    let limit = std::env::var("MOST_STATES").map(|text| text.parse().expect("a number"));
    let limit = limit.unwrap_or(MOST_STATES);
    let ponds: Vec<Pond> =
        configurations::all().into_iter().filter(|pond| pond.name.contains(&only)).collect();
    let mut table = vec![HEADER.to_owned(), "|---|---|---|--:|--:|---|--:|--:|".to_owned()];
    let mut total = 0;
    for (number, pond) in ponds.iter().enumerate() {
        let began = Instant::now();
        let progress = Progress::new(format!("{} of {}: {}", number + 1, ponds.len(), pond.name));
        let found = Search::run(pond, limit, &|states, depth| progress.tell(states, depth));
        progress.line(found.states, found.depth());
        judge(pond, &found);
        total += found.states;
        table.push(row(pond, &found, began.elapsed(), progress.most_memory()));
    }
    println!("\n{}", table.join("\n"));
    println!("\n{total} unique states in {} configurations", ponds.len());
}

/// Nothing was violated, and what makes the search one of something was reached.
fn judge(pond: &Pond, found: &Found) {
    if let Some((property, way)) = &found.violation {
        panic!("{}: not {property:?} after {} steps: {way:?}", pond.name, way.len());
    }
    let seen = pond.seen.lock().expect("no thread panicked");
    for reached in pond.reaches {
        assert!(seen.contains(reached), "{}: never reached {reached:?}", pond.name);
    }
}

fn row(pond: &Pond, found: &Found, took: Duration, memory: u64) -> String {
    let result = if found.exhausted { "exhausted" } else { "limit" };
    format!(
        "| {} | {} + {} | {} | {} | {} | {result} | {:.0} | {memory} |",
        pond.name,
        pond.members,
        pond.keepers,
        budget(&pond.faults),
        found.states,
        found.depth(),
        took.as_secs_f64(),
    )
}

/// `crashes: 1, gaps: 2`: the fields of the budget that are not zero, or `none`.
fn budget(faults: &Faults) -> String {
    let all = format!("{faults:?}");
    let all = all.trim_start_matches("Faults { ").trim_end_matches(" }");
    let some: Vec<&str> = all.split(", ").filter(|field| !field.ends_with(": 0")).collect();
    if some.is_empty() { "none".to_owned() } else { some.join(", ") }
}

/// A line every few seconds.
struct Progress {
    what: String,
    began: Instant,
    told: Mutex<Told>,
}

struct Told {
    at: Instant,
    most_memory: u64,
}

impl Progress {
    fn new(what: String) -> Progress {
        let began = Instant::now();
        let told = Mutex::new(Told { at: began, most_memory: resident_megabytes() });
        Progress { what, began, told }
    }

    /// Tells it where it is time to.
    fn tell(&self, states: usize, depth: usize) {
        let due = self.told.lock().expect("no thread panicked").at + PAUSE;
        if Instant::now() >= due {
            self.line(states, depth);
        }
    }

    fn line(&self, states: usize, depth: usize) {
        let memory = resident_megabytes();
        let mut told = self.told.lock().expect("no thread panicked");
        told.at = Instant::now();
        told.most_memory = told.most_memory.max(memory);
        let seconds = self.began.elapsed().as_secs_f64();
        let rate = states as f64 / seconds;
        println!(
            "{}: {states} states, {depth} steps, {rate:.0}/s, {memory} MB, {seconds:.0} s",
            self.what
        );
    }

    fn most_memory(&self) -> u64 {
        self.told.lock().expect("no thread panicked").most_memory
    }
}

/// What this process has of the machine's memory, in millions of bytes.
fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes.expect("a number of kB").parse().expect("a number");
    kilobytes * 1024 / 1_000_000
}

const HEADER: &str =
    "| configuration | members + keepers | faults | unique states | steps | ended by | s | MB |";

const PAUSE: Duration = Duration::from_secs(3);

/// In each configuration, unless `MOST_STATES` says otherwise.
const MOST_STATES: usize = 2_500_000;
