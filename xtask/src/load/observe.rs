//! What becomes of the sidecar meanwhile: its memory, its open files, its renewals.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use bench::usage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::members::{RENEWAL, Server};

/// The most that was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Resident memory, in bytes.
    memory: u64,
    /// Open files: connections, and a few more.
    files: usize,
    /// Since the last renewal that was applied had left, in seconds.
    unrenewed: f64,
    /// Writes of the Lease that are not known to be applied, since it started.
    failed: f64,
    /// How often it ceased to be the Goose, since it started.
    stepped_down: f64,
    /// How often its metrics were read.
    looks: usize,
}

/// Looks at it again and again until the work is done.
///
/// # Errors
/// That of the work, or that the sidecar has ended.
pub async fn during<T>(
    sidecar: &Server,
    work: impl Future<Output = Result<T>>,
) -> Result<(T, Seen)> {
    let mut seen = Seen::default();
    let looks = async {
        loop {
            if let Err(error) = seen.look(sidecar).await {
                return error;
            }
            sleep(BETWEEN_LOOKS).await;
        }
    };
    let done = tokio::select! {
        done = work => done?,
        error = looks => return Err(error),
    };
    Ok((done, seen))
}

impl Seen {
    async fn look(&mut self, sidecar: &Server) -> Result<()> {
        self.memory = self.memory.max(usage::resident(sidecar.pid)?);
        self.files = self.files.max(fs::read_dir(format!("/proc/{}/fd", sidecar.pid))?.count());
        // A newcomer may be closed for another one: it looks again.
        if let Ok(Ok(text)) = timeout(BETWEEN_LOOKS, metrics(sidecar.address)).await {
            self.read(&text);
        }
        Ok(())
    }

    fn read(&mut self, metrics: &str) {
        // Without it the answer is no whole one.
        let Some(age) = sum(metrics, "duckgoose_last_renewal_age_seconds", "") else { return };
        self.unrenewed = self.unrenewed.max(age);
        let total = |name, label| sum(metrics, name, label).unwrap_or_default();
        self.failed = total("duckgoose_renewals_failed_total", "");
        self.stepped_down = total("duckgoose_transitions_total", "to=\"duck\"");
        self.looks += 1;
    }

    /// What is not as it should be.
    pub fn wrongs(&self) -> Vec<String> {
        let mut wrongs = Vec::new();
        if self.memory > MOST_MEMORY {
            wrongs.push(format!("wanted at most 32 MiB of memory, found {}", self.mebibytes()));
        }
        if self.files > MOST_FILES {
            wrongs.push(format!("wanted at most {MOST_FILES} open files, found {}", self.files));
        }
        if self.looks == 0 {
            wrongs.push("its metrics could not be read once".to_owned());
        }
        if self.stepped_down > 0.0 || self.unrenewed > 2.0 * RENEWAL.as_secs_f64() {
            wrongs.push(format!("wanted all renewals in time, found {self}"));
        }
        wrongs
    }

    fn mebibytes(&self) -> String {
        format!("{:.1} MiB", self.memory as f64 / f64::from(1 << 20))
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} open files; a renewal every {} s and never longer than {:.2} s without one, {} \
             failed, {} times a Duck ({} looks)",
            self.mebibytes(),
            self.files,
            RENEWAL.as_secs(),
            self.unrenewed,
            self.failed,
            self.stepped_down,
            self.looks
        )
    }
}

async fn metrics(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nconnection: close\r\n\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.context("wanted metrics")?;
    Ok(text)
}

/// Of all samples of this metric that have the label; nothing where there are none.
fn sum(text: &str, metric: &str, label: &str) -> Option<f64> {
    let samples = text.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{'));
    let values = samples.filter_map(|sample| {
        let (labels, value) = sample.rsplit_once("} ")?;
        labels.contains(label).then(|| value.parse::<f64>().ok())?
    });
    values.reduce(|sum, value| sum + value)
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

const MOST_MEMORY: u64 = 32 << 20;

/// 512 connections, and what else a process has open.
const MOST_FILES: usize = 512 + 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_renewals_from_the_metrics() {
        let mut seen = Seen::default();
        for age in ["1.9", "0.2"] {
            seen.read(&format!(
                "duckgoose_last_renewal_age_seconds{{cluster=\"a\"}} {age}\n\
                 duckgoose_renewals_failed_total{{cluster=\"a\",cause=\"timed_out\"}} 2\n\
                 duckgoose_renewals_failed_total{{cluster=\"a\",cause=\"broken\"}} 1\n\
                 duckgoose_transitions_total{{cluster=\"a\",to=\"goose\",reason=\"took_free\"}} 1\n"
            ));
        }
        seen.read("HTTP/1.1 503 Service Unavailable\r\n");
        let wanted =
            Seen { unrenewed: 1.9, failed: 3.0, stepped_down: 0.0, looks: 2, ..Seen::default() };
        assert_eq!(seen, wanted);
        assert_eq!(seen.wrongs(), [""; 0]);
    }

    #[test]
    fn each_bound_is_told() {
        let well = Seen { looks: 1, ..Seen::default() };
        for (seen, word) in [
            (Seen { memory: (32 << 20) + 1, ..well.clone() }, "memory"),
            (Seen { files: 545, ..well.clone() }, "open files"),
            (Seen { unrenewed: 4.1, ..well.clone() }, "renewals"),
            (Seen { stepped_down: 1.0, ..well.clone() }, "renewals"),
            (Seen { looks: 0, ..well.clone() }, "metrics"),
        ] {
            let wrongs = seen.wrongs();
            assert!(wrongs.len() == 1 && wrongs[0].contains(word), "{wrongs:?}");
        }
    }
}
