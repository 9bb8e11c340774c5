//! `duckgoose run`: runs a command while its pod is the Goose, and only then.
//!
//! It lives by the holds in the role file: the command is told to end (TERM)
//! when its hold is not given anew, and is killed, with all that it started,
//! *before* the hold ends. Nobody else is the Goose until then.
//!
//! | file | what it does |
//! |---|---|
//! | `decision` | what to do about what the file tells |
//! | `command` | the command, and all that it started |
//! | `exec` | the step between, so that a killed wrapper takes the command along |
//! | `signals` | which signals are passed on |
//!
//! What it cannot do: a wrapper that is frozen does not kill. Where its machine
//! freezes whole, the command freezes with it, and when both are woken it runs
//! until the wrapper has had its turn. Who cannot have that fences with the term.

mod command;
mod decision;
mod exec;
mod signals;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use election::driver::clocks;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::role_file::{Hold, read};
use command::Command;
use decision::{Act, act, time_to_kill};
pub use exec::{WORD as EXEC, become_command};
use signals::Signals;

/// Runs the command while the file says Goose, until the command ends by itself
/// or this process is told to end. Returns the command's exit code; 128 and the
/// signal's number where a signal ended it.
#[tokio::main(flavor = "current_thread")]
pub async fn run(file: &Path, command: &[OsString]) -> ExitCode {
    let ended = async { Wrapper::new(file, command)?.run().await };
    match ended.await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("cannot run a command: {error}"));
            ExitCode::FAILURE
        }
    }
}

struct Wrapper<'a> {
    file: PathBuf,
    words: &'a [OsString],
    signals: Signals,
    running: Option<Running>,
    /// Told to end: what ends now is not started again.
    ending: bool,
}

struct Running {
    command: Command,
    /// The last hold that was given for it.
    hold: Hold,
    /// Told to end because the role goes.
    stopping: bool,
}

impl Wrapper<'_> {
    fn new<'a>(file: &Path, words: &'a [OsString]) -> io::Result<Wrapper<'a>> {
        command::adopt_orphans()?;
        let (file, signals) = (file.to_owned(), Signals::listen()?);
        Ok(Wrapper { file, words, signals, running: None, ending: false })
    }

    /// Until there is an exit code.
    async fn run(&mut self) -> io::Result<u8> {
        loop {
            self.look()?;
            tokio::select! {
                () = sleep(self.pause()) => {}
                signal = self.signals.next() => self.pass_on(signal),
            }
            if let Some(code) = self.bury() {
                return Ok(code);
            }
        }
    }

    /// Does what the file wants done.
    fn look(&mut self) -> io::Result<()> {
        let told = read(&self.file, clocks);
        let running = self.running.as_ref().map(|it| (&it.hold, it.stopping));
        match (act(&told, running, &clocks()), &mut self.running) {
            (Act::Start(hold), None) if !self.ending => {
                say(&format!("the Goose of term {}: starts the command", hold.term));
                let command = Command::start(self.words, hold.term)?;
                self.running = Some(Running { command, hold, stopping: false });
            }
            (Act::Keep(hold), Some(running)) => running.hold = hold,
            (Act::Stop, Some(running)) => {
                say("the role goes, or may go: tells the command to end");
                running.stopping = true;
                running.command.signal(Signal::TERM);
            }
            (Act::Kill, Some(running)) => {
                running.stopping = true;
                running.command.kill();
            }
            _ => {}
        }
        Ok(())
    }

    /// Until the next look; never past the moment to kill.
    fn pause(&self) -> Duration {
        let to_kill = self.running.as_ref().map(|it| time_to_kill(&it.hold, &clocks()));
        to_kill.map_or(LOOKS, |left| left.clamp(AT_ONCE, LOOKS))
    }

    fn pass_on(&mut self, signal: Signal) {
        self.ending |= matches!(signal, Signal::TERM | Signal::INT | Signal::QUIT);
        if let Some(running) = &self.running
            && signal != Signal::CHILD
        {
            running.command.signal(signal);
        }
    }

    /// Buries who has ended. Returns the exit code once there is one.
    fn bury(&mut self) -> Option<u8> {
        let code = command::bury(self.running.as_ref().map(|it| &it.command));
        let Some(code) = code else {
            return (self.ending && self.running.is_none()).then_some(0);
        };
        // What the command left behind must not go on without it.
        command::clear();
        let stopped = self.running.take().is_some_and(|it| it.stopping);
        if stopped {
            say("the command has ended");
        }
        (!stopped || self.ending).then_some(code)
    }
}

/// One line for whoever reads the log of the workload's container.
fn say(what: &str) {
    eprintln!("duckgoose run: {what}");
}

/// How often the file is looked at: some microseconds each time.
const LOOKS: Duration = Duration::from_millis(20);

/// What a timer can do.
const AT_ONCE: Duration = Duration::from_millis(1);
