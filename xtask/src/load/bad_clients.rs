//! A crowd of clients that are idle or slow, and probes in between.

use std::fmt;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::members::{self, Members};
use crate::command::output;
use crate::screen::Screen;

/// What `sidecar/examples/crowd.rs` tells.
#[derive(Debug, Deserialize)]
pub struct Crowd {
    idle: Idle,
    slow: Slow,
    probes: Probes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Idle {
    tried: u64,
    refused: u64,
    open_at_the_end: u64,
}

#[derive(Debug, Deserialize)]
struct Slow {
    closed: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probes {
    number: u64,
    unanswered: u64,
    median_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
}

/// Lets the crowd in.
///
/// # Errors
/// Where it does not run.
pub async fn measure(members: &Members, screen: &Screen) -> Result<Crowd> {
    screen.line(format!("  {IDLE} idle clients tried, {SLOW} slow ones, for {SECONDS} s"));
    let mut crowd = members::client("crowd");
    crowd.arg(members.sidecar.address.to_string());
    crowd.args([IDLE, SLOW, SECONDS].map(|number| number.to_string()));
    let text = output(crowd).await?;
    serde_json::from_str(&text)
        .with_context(|| format!("wanted figures of the crowd, found {text}"))
}

impl Crowd {
    /// What is not as it should be.
    pub fn wrongs(&self) -> Vec<String> {
        let mut wrongs = Vec::new();
        if self.idle.open_at_the_end > 0 {
            wrongs.push(format!("{} idle clients were not closed", self.idle.open_at_the_end));
        }
        if self.slow.closed < u64::from(SLOW) {
            wrongs.push(format!("slow clients were closed only {} times", self.slow.closed));
        }
        if self.probes.unanswered * 100 > self.probes.number {
            wrongs.push(format!(
                "{} of {} probes were not answered",
                self.probes.unanswered, self.probes.number
            ));
        }
        wrongs
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { idle, slow, probes } = self;
        writeln!(
            f,
            "{} idle clients: {} refused, {} open at the end; slow ones were closed {} times",
            idle.tried, idle.refused, idle.open_at_the_end, slow.closed
        )?;
        write!(
            f,
            "{} probes on new connections: median {:.2} ms, p99 {:.1} ms, longest {:.0} ms (goal \
             50 ms), {} not answered",
            probes.number, probes.median_ms, probes.p99_ms, probes.longest_ms, probes.unanswered
        )
    }
}

const IDLE: u32 = 10_000;
const SLOW: u32 = 1_000;

/// Five more than a client may go without a request.
const SECONDS: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(open: u64, closed: u64, unanswered: u64) -> Crowd {
        let text = format!(
            r#"{{"idle":{{"tried":10000,"refused":0,"openAtTheEnd":{open}}},"slow":{{"closed":{closed}}},
            "probes":{{"number":900,"unanswered":{unanswered},"medianMs":0.2,"p99Ms":2.0,"longestMs":40.0}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn who_is_let_stay_or_kept_out_is_told() {
        assert_eq!(crowd(0, 5000, 2).wrongs(), [""; 0]);
        assert_eq!(crowd(3, 5000, 0).wrongs(), ["3 idle clients were not closed"]);
        assert_eq!(crowd(0, 999, 0).wrongs(), ["slow clients were closed only 999 times"]);
        assert_eq!(crowd(0, 5000, 10).wrongs(), ["10 of 900 probes were not answered"]);
    }
}
