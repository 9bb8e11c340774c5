//! A sidecar that is not what ships, for `cargo xtask chaos`: with a rule of the election that is
//! broken, or clocks that run wrong. Its image says by environment which.

use std::env;
use std::time::Duration;

use election::clock::Reading;
use election::driver::{Elector, Settings, clocks};
use election::mutation::Mutation;

/// Joins the election as the environment says.
///
/// # Panics
/// Where it says what there is not: a proof of nothing would be taken for one.
pub fn join(settings: Settings) -> Elector {
    let wanted = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let mutation: Option<Mutation> = wanted(MUTATION)
        .map(|name| name.parse().unwrap_or_else(|_| panic!("{MUTATION}={name}: there is none")));
    // Neighbours run apart: their last digits are.
    let is_fast = settings.member.me.pod().bytes().last().is_some_and(|digit| digit % 2 == 1);
    match wanted(CLOCKS).as_deref() {
        None => Elector::join_altered(settings, mutation, clocks),
        Some("slewed") => {
            let start = clocks();
            let percent = if is_fast { 110 } else { 90 };
            Elector::join_altered(settings, mutation, move || slewed(&start, clocks(), percent))
        }
        Some("stepped") => {
            let start = clocks();
            Elector::join_altered(settings, mutation, move || stepped(&start, clocks(), is_fast))
        }
        Some(other) => panic!("wanted slewed or stepped in {CLOCKS}, found {other:?}"),
    }
}

/// All clocks but the raw one run at so many hundredths of their rate.
fn slewed(start: &Reading, now: Reading, percent: u32) -> Reading {
    let slewed = |start: Duration, now: Duration| start + (now - start) * percent / 100;
    Reading {
        boottime: slewed(start.boottime, now.boottime),
        wall: slewed(start.wall, now.wall),
        ..now
    }
}

/// The wall clock is an hour off in every second span of this length, and right in the others.
fn stepped(start: &Reading, now: Reading, ahead: bool) -> Reading {
    let spans = (now.raw - start.raw).as_secs() / BETWEEN_STEPS.as_secs();
    let wall = match (spans % 2, ahead) {
        (0, _) => now.wall,
        (_, true) => now.wall + HOUR,
        (_, false) => now.wall - HOUR,
    };
    Reading { wall, ..now }
}

/// Names of the environment.
const MUTATION: &str = "DUCKGOOSE_MUTATION";

/// See [`MUTATION`].
const CLOCKS: &str = "DUCKGOOSE_CLOCKS";

const BETWEEN_STEPS: Duration = Duration::from_secs(20);

const HOUR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Reading {
        let time = Duration::from_secs(seconds);
        Reading { boottime: time, raw: time, slept: Duration::ZERO, wall: time + HOUR }
    }

    #[test]
    fn a_slewed_clock_runs_apart_from_the_raw_one() {
        let fast = slewed(&at(10), at(20), 110);
        assert_eq!((fast.boottime, fast.raw), (Duration::from_secs(21), Duration::from_secs(20)));
    }

    #[test]
    fn a_stepped_clock_goes_back_too() {
        let jumps = |seconds, ahead| stepped(&at(0), at(seconds), ahead).wall;
        assert_eq!(jumps(5, true), at(5).wall);
        assert_eq!(jumps(25, true), at(25).wall + HOUR);
        assert_eq!(jumps(25, false), at(25).wall - HOUR);
    }
}
