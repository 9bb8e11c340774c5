//! The command, and all that it started.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process;

use api::names::env;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group,
    set_child_subreaper, wait,
};

use super::exec;

/// The command that runs, in a process group of its own.
pub struct Command {
    pid: Pid,
}

impl Command {
    /// Starts it, with the term in its environment.
    ///
    /// # Errors
    /// When no process can be started at all. A command that is not found ends
    /// with 127, one that cannot be executed with 126, as of a shell.
    pub fn start(words: &[OsString], term: u64) -> io::Result<Command> {
        let mut command = process::Command::new("/proc/self/exe");
        command.args(exec::arguments(getpid(), words)).env(env::TERM, term.to_string());
        let child = command.process_group(0).spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Command { pid: pid.expect("a child has a number") })
    }

    /// Tells the command itself; what it started is its own concern.
    pub fn signal(&self, signal: Signal) {
        // One that has ended needs none.
        let _ = kill_process(self.pid, signal);
    }

    /// Kills it, its group, and what has left that and lost its parent. What
    /// this makes an orphan is found by the next call.
    pub fn kill(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
        kill_children();
    }
}

/// Makes this process the parent of all orphans among its descendants, as the
/// first process of a container is anyway.
///
/// # Errors
/// When the kernel is no Linux of the last ten years.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Buries all children that have ended. Returns the exit code of the command if
/// it is among them.
pub fn bury(command: Option<&Command>) -> Option<u8> {
    let mut code = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if command.is_some_and(|command| command.pid == pid) {
            code = Some(exit_code(status));
        }
    }
    code
}

/// Kills and buries whatever is left of the command, until nothing is.
pub fn clear() {
    // One that is killed ends, so that there is one to wait for.
    while kill_children() && wait(WaitOptions::empty()).is_ok() {}
}

/// Whether there were any. Where the kernel does not list them, only the group
/// is killed.
fn kill_children() -> bool {
    let me = getpid();
    let list = format!("/proc/{me}/task/{me}/children");
    let children = fs::read_to_string(list).unwrap_or_default();
    let pids = children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
    for pid in pids {
        // It may have ended.
        let _ = kill_process(pid, Signal::KILL);
    }
    !children.is_empty()
}

fn exit_code(status: WaitStatus) -> u8 {
    let by_signal = || status.terminating_signal().map_or(FAILURE, |signal| 128 + signal);
    status.exit_status().unwrap_or_else(by_signal) as u8
}

const FAILURE: i32 = 1;
