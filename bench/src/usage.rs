//! What a process uses, by `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// How long all threads of a process have run on a processor since they started.
///
/// # Errors
/// Where it has ended.
pub fn ran(pid: u32) -> Result<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.with_context(|| format!("wanted the process {pid} running"))?;
    // A thread that ends meanwhile is not counted.
    let spans = threads.flatten().filter_map(|thread| {
        let schedule = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        nanoseconds(&schedule)
    });
    Ok(Duration::from_nanos(spans.sum()))
}

/// Resident memory of a process, in bytes.
///
/// # Errors
/// Where it has ended.
pub fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    let status = status.with_context(|| format!("wanted the process {pid} running"))?;
    kibibytes(&status).map(|kibibytes| kibibytes * 1024).context("wanted VmRSS of it")
}

/// The first number: time spent on a processor (Documentation/scheduler/sched-stats.rst of Linux).
fn nanoseconds(schedule: &str) -> Option<u64> {
    schedule.split_whitespace().next()?.parse().ok()
}

fn kibibytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_tells() {
        assert_eq!(nanoseconds("1234 56 7\n"), Some(1234));
        assert_eq!(kibibytes("Name:\tduckgoose\nVmRSS:\t    4608 kB\n"), Some(4608));
    }

    #[test]
    fn this_process_uses_something() {
        let own = std::process::id();
        assert!(ran(own).unwrap() > Duration::ZERO);
        assert!(resident(own).unwrap() > 0);
        assert!(ran(u32::MAX).is_err());
    }
}
