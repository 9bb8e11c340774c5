//! The role in a file on a volume that all containers of the pod share, for
//! programs that do not speak HTTP.
//!
//! The file is a hold (rule 11). It outlives its writer, and a slewed clock may
//! count it for too long; so it says until when it holds on two clocks, and is
//! valid only while its writer has a lock on it.
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | what stands in the file |
//! | `writer` | replaces it as a whole |
//! | `reader` | reads it, and checks all of that |
//! | `keep` | keeps it true to the election |

mod keep;
mod reader;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use api::names::{DUCK, GOOSE};
use election::clock::Reading;

pub use keep::keep;
pub use reader::{Told, read};
pub use writer::Writer;

/// Name of the file in the shared folder.
pub const NAME: &str = "role";

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The pod is the Goose until the hold ends.
    Goose(Hold),
    /// It is a Duck, which promises nothing.
    Duck,
}

/// A promise that the pod stays the Goose for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The fencing token.
    pub term: u64,
    /// For how long it was promised.
    pub length: Duration,
    /// When it ends, as `CLOCK_BOOTTIME` tells it.
    pub until_boottime: Duration,
    /// When it ends, as `CLOCK_MONOTONIC_RAW` tells it.
    pub until_raw: Duration,
}

impl Hold {
    /// A hold that counts from a look at the clocks *before* it was promised.
    pub fn from(before: &Reading, term: u64, length: Duration) -> Hold {
        Hold {
            term,
            length,
            until_boottime: before.boottime + length,
            until_raw: before.raw + length,
        }
    }

    /// For how long it still holds, by the clock that says less; zero when it
    /// has ended.
    pub fn left(&self, now: &Reading) -> Duration {
        let by_boottime = self.until_boottime.saturating_sub(now.boottime);
        by_boottime.min(self.until_raw.saturating_sub(now.raw))
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Content::Goose(hold) = self else { return writeln!(f, "{ROLE}={DUCK}") };
        writeln!(f, "{ROLE}={GOOSE}\n{TERM}={}", hold.term)?;
        // What is cut off makes the hold shorter, never longer.
        writeln!(f, "{LENGTH}={}", hold.length.as_millis())?;
        writeln!(f, "{UNTIL_BOOTTIME}={}", hold.until_boottime.as_millis())?;
        writeln!(f, "{UNTIL_RAW}={}", hold.until_raw.as_millis())
    }
}

impl Content {
    /// `None` when this is not what a writer wrote.
    pub fn parse(text: &str) -> Option<Content> {
        let pairs: BTreeMap<_, _> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let number = |key| pairs.get(key)?.parse::<u64>().ok();
        let millis = |key| number(key).map(Duration::from_millis);
        match *pairs.get(ROLE)? {
            DUCK => Some(Content::Duck),
            GOOSE => Some(Content::Goose(Hold {
                term: number(TERM)?,
                length: millis(LENGTH)?,
                until_boottime: millis(UNTIL_BOOTTIME)?,
                until_raw: millis(UNTIL_RAW)?,
            })),
            _ => None,
        }
    }
}

const ROLE: &str = "role";
const TERM: &str = "term";
const LENGTH: &str = "hold_ms";
const UNTIL_BOOTTIME: &str = "hold_until_boottime_ms";
const UNTIL_RAW: &str = "hold_until_raw_ms";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boottime: u64, raw: u64) -> Reading {
        let ms = Duration::from_millis;
        Reading { boottime: ms(boottime), raw: ms(raw), slept: ms(0), wall: ms(0) }
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let goose = Content::Goose(Hold::from(&at(5_000, 4_000), 812, Duration::from_secs(1)));
        assert_eq!(
            goose.to_string(),
            "role=goose\nterm=812\nhold_ms=1000\nhold_until_boottime_ms=6000\n\
             hold_until_raw_ms=5000\n"
        );
        for content in [goose, Content::Duck] {
            assert_eq!(Content::parse(&content.to_string()), Some(content));
        }
    }

    #[test]
    fn what_is_cut_short_or_of_another_kind_says_nothing() {
        let whole = Content::Goose(Hold::from(&at(5_000, 4_000), 812, Duration::from_secs(1)));
        let whole = whole.to_string();
        for lines in 0..5 {
            let part: String = whole.split_inclusive('\n').take(lines).collect();
            assert_eq!(Content::parse(&part), None, "{part:?}");
        }
        assert_eq!(Content::parse("role=swan\n"), None);
    }

    #[test]
    fn a_hold_ends_by_the_clock_that_says_less_is_left() {
        let hold = Hold::from(&at(5_000, 4_000), 812, Duration::from_secs(1));
        assert_eq!(hold.left(&at(5_100, 4_300)), Duration::from_millis(700));
        assert_eq!(hold.left(&at(5_300, 4_100)), Duration::from_millis(700));
        assert_eq!(hold.left(&at(6_000, 4_100)), Duration::ZERO);
        assert_eq!(hold.left(&at(5_100, 5_001)), Duration::ZERO);
    }
}
