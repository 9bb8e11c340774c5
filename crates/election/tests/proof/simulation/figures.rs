//! What happened in a run, in numbers.

use std::fmt;
use std::time::Duration;

use crate::world::World;

/// Counted from the log, and measured in the history.
#[derive(Default)]
pub struct Figures {
    pub hand_overs: u64,
    pub take_overs: u64,
    own_again: u64,
    ran_out: u64,
    suspected: u64,
    superseded: u64,
    without_a_goose: Vec<Duration>,
}

impl Figures {
    pub fn of(world: &World) -> Figures {
        let ends = |with: &str| world.log.iter().filter(|line| line.ends_with(with)).count() as u64;
        let gaps = world.history().gaps();
        Figures {
            hand_overs: ends(": TookFree"),
            take_overs: ends(": TookOver"),
            own_again: ends(": TookOwn"),
            ran_out: ends("Duck: Deadline"),
            suspected: ends("Duck: ClockSuspected"),
            superseded: ends("Duck: Superseded"),
            without_a_goose: gaps.iter().map(|gap| gap.length()).collect(),
        }
    }

    pub fn add(&mut self, other: Figures) {
        self.hand_overs += other.hand_overs;
        self.take_overs += other.take_overs;
        self.own_again += other.own_again;
        self.ran_out += other.ran_out;
        self.suspected += other.suspected;
        self.superseded += other.superseded;
        self.without_a_goose.extend(other.without_a_goose);
    }

    /// How often a Goose lost its role that nobody had asked it for: where
    /// nothing is broken, each is one too many.
    pub fn abdications(&self) -> u64 {
        self.ran_out + self.suspected + self.superseded
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} hand-overs, {} take-overs, {} times its own again; {} times a Goose's time ran \
             out, {} times its clocks were suspected, {} times it was superseded; without a \
             Goose: {}",
            self.hand_overs,
            self.take_overs,
            self.own_again,
            self.ran_out,
            self.suspected,
            self.superseded,
            in_words(&self.without_a_goose)
        )
    }
}

/// `30 ms median, 120 ms p99, 130 ms at most, of 40`.
pub fn in_words(spans: &[Duration]) -> String {
    let mut sorted = spans.to_vec();
    sorted.sort();
    let at =
        |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().max(1) - 1));
    let [median, p99, worst] =
        [50, 99, 100].map(|percent| at(percent).map_or(0, Duration::as_millis));
    format!("{median} ms median, {p99} ms p99, {worst} ms at most, of {}", sorted.len())
}
