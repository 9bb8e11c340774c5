//! The step between the wrapper and the command: a process that ends with its
//! parent, and then becomes the command. To ask for that between fork and exec
//! would take unsafe code.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// The first argument by which this program knows that it is this step.
pub const WORD: &str = "exec-for";

/// The arguments that make this program the step to the command.
pub fn arguments(parent: Pid, command: &[OsString]) -> Vec<OsString> {
    let head = [WORD.into(), parent.to_string().into()];
    head.into_iter().chain(command.iter().cloned()).collect()
}

/// Becomes the command, which the kernel kills when the parent ends. Returns
/// only when that cannot be.
pub fn become_command(parent: &str, command: &[OsString]) -> ExitCode {
    let Some((program, rest)) = command.split_first() else { return ExitCode::from(USAGE) };
    let bound = set_parent_process_death_signal(Some(Signal::KILL));
    // It may have ended just before.
    let parent_lives = getppid().is_some_and(|found| found.to_string() == parent);
    let error = match bound {
        Ok(()) if parent_lives => Command::new(program).args(rest).exec(),
        Ok(()) => io::Error::other("the wrapper has ended"),
        Err(error) => error.into(),
    };
    eprintln!("duckgoose run: cannot start {}: {error}", program.display());
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_STARTED })
}

/// As of a shell.
const NOT_FOUND: u8 = 127;

/// Likewise.
const NOT_STARTED: u8 = 126;

const USAGE: u8 = 2;
