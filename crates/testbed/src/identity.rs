//! Which process a number means: process ids are used again, a pair of id and start time is not.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid,
};
use serde::{Deserialize, Serialize};

/// One process, never another one with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub pid: i32,
    /// In clock ticks since boot, as in `/proc/PID/stat`.
    start_time: u64,
}

impl Identity {
    /// The process that has this id now.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = Stat::of(pid)?;
        (stat.state != 'Z').then_some(Self { pid, start_time: stat.start_time })
    }

    /// This process.
    pub fn own() -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self::of(pid).unwrap_or(Self { pid, start_time: 0 })
    }

    /// Whether it still runs. A zombie does not.
    pub fn runs(&self) -> bool {
        Self::of(self.pid) == Some(*self)
    }

    /// Ends it as a zombie, where it is one and our child.
    ///
    /// Not for children that somebody else here waits for.
    pub fn reap(&self) {
        let is_same = Stat::of(self.pid).is_some_and(|stat| stat.start_time == self.start_time);
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| is_same) {
            // Fails where it is not our child: then it is for others to reap.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }

    /// Sends a signal; false where the process is gone.
    pub fn signal(&self, signal: Signal) -> bool {
        let Some(pid) = Pid::from_raw(self.pid) else { return false };
        // The descriptor is opened first and the identity looked at after it: whatever has the
        // id by then is what the signal goes to.
        let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
        self.runs() && pidfd_send_signal(descriptor, signal).is_ok()
    }

    /// Waits until it has ended; false when it has not after `patience`.
    pub fn wait(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.runs() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

/// All processes that have `NAME=value` in the environment they were started with.
pub(crate) fn with_environment(variable: &str) -> Vec<Identity> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| environment_has(*pid, variable)).filter_map(Identity::of).collect()
}

fn environment_has(pid: i32, variable: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
}

struct Stat {
    state: char,
    start_time: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the program's name in parentheses, and may itself hold blanks and
    /// parentheses: the fields after it are counted from its last one (proc_pid_stat(5)).
    fn parse(stat: &str) -> Option<Self> {
        let (_, after_name) = stat.rsplit_once(')')?;
        let mut fields = after_name.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let start_time = fields.nth(18)?.parse().ok()?;
        Some(Self { state, start_time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stat_line_with_an_odd_name() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.start_time), ('S', 4711));
    }

    #[test]
    fn another_process_with_the_same_id_is_never_hit() {
        let own = Identity::own();
        assert!(own.runs());
        let earlier = Identity { start_time: 1, ..own };
        assert!(!earlier.runs());
        // It would end this test run.
        assert!(!earlier.signal(Signal::KILL));
    }

    #[test]
    fn finds_a_child_by_its_environment_and_reaps_it() {
        let mut command = std::process::Command::new("sleep");
        command.arg("60").env("DUCKGOOSE_IDENTITY_TEST", std::process::id().to_string());
        let mut child = command.spawn().unwrap();
        let variable = format!("DUCKGOOSE_IDENTITY_TEST={}", std::process::id());
        // The environment appears with the exec, a moment after the fork.
        let found = loop {
            if let [found] = with_environment(&variable)[..] {
                break found;
            }
        };
        assert_eq!(found.pid, i32::try_from(child.id()).unwrap());
        assert!(found.signal(Signal::KILL));
        assert!(found.wait(Duration::from_secs(5)));
        assert!(with_environment(&variable).is_empty());
        found.reap();
        assert!(child.wait().is_err(), "it was reaped already");
    }
}
