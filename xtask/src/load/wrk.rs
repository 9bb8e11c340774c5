//! wrk, which asks as fast as it is answered over a fixed number of connections.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::members::{CLIENTS, on_core};
use crate::command::output;

/// What one run of it has measured. Times are in microseconds, and corrected: where an answer was
/// long in coming, those count too that would have been asked for meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Figures {
    /// How many answers came.
    pub answers: u64,
    /// In how long.
    pub microseconds: f64,
    /// Questions without an answer, and answers that were no 2xx or 3xx.
    pub failed: u64,
    /// Half of the answers came within this.
    pub p50: f64,
    /// 99 of 100 did.
    pub p99: f64,
    /// 999 of 1,000 did.
    pub p999: f64,
}

impl Figures {
    /// Answers a second.
    pub fn per_second(&self) -> f64 {
        self.answers as f64 / self.microseconds * 1e6
    }
}

/// Asks for one path.
///
/// # Errors
/// Where wrk does not run, or says something else.
pub async fn ask(
    address: SocketAddr,
    path: &str,
    connections: usize,
    seconds: u32,
) -> Result<Figures> {
    let mut wrk = on_core(CLIENTS, "wrk");
    wrk.args(["--threads", "1", "--script", SCRIPT])
        .arg(format!("--connections={connections}"))
        .arg(format!("--duration={seconds}s"))
        .arg(format!("http://{address}{path}"));
    read(&output(wrk).await?)
}

/// The last line is the script's.
fn read(text: &str) -> Result<Figures> {
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("wanted figures of wrk, found {text}"))
}

/// From the root of the checkout.
const SCRIPT: &str = "xtask/src/load/wrk.lua";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_script_writes() {
        let text = "Running 1s test\n{\"answers\":400,\"microseconds\":2000000,\"failed\":0,\"p50\":70,\"p99\":1400,\"p999\":3000}\n";
        let figures = read(text).unwrap();
        assert_eq!((figures.per_second(), figures.p99), (200.0, 1400.0));
        assert!(read("Running 1s test\n").is_err());
    }
}
