//! Taking a cluster down: also a half-started or crashed one, and from another process than the
//! one that started it.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::Error;
use crate::full;
use crate::identity::{self, Identity};
use crate::plan::{Plan, Tier};
use crate::process::{self, Process};

/// What becomes of the programs' logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logs {
    Delete,
    /// Somebody is about to be told to read them.
    Keep,
}

/// Ends the cluster's programs and removes everything that they have left. Blocks.
pub(crate) fn down(plan: &Plan, logs: Logs) -> Result<(), Error> {
    let mut left = end_processes(plan);
    if plan.tier == Tier::Full {
        left.extend(full::remove_leftovers(plan));
    }
    if !left.is_empty() {
        return Err(Error::Left { name: plan.name.clone(), left: left.join(", ") });
    }
    remove_files(plan, logs)
}

/// Kills until there is nothing left to kill: a runtime may just be starting something. Nothing
/// is asked politely, since nothing that it could still write is kept.
fn end_processes(plan: &Plan) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let running = processes(plan);
        if running.is_empty() {
            return Vec::new();
        }
        if Instant::now() >= until {
            return running.iter().map(|process| format!("process {}", process.pid)).collect();
        }
        for process in &running {
            process.signal(Signal::KILL);
        }
        for process in &running {
            process.wait(Duration::from_secs(1));
        }
    }
}

fn processes(plan: &Plan) -> Vec<Identity> {
    let recorded = Process::all(plan).into_iter().filter_map(|process| process.identity());
    let marked = identity::with_environment(&process::mark(plan));
    let contained = match plan.tier {
        Tier::Light => Vec::new(),
        Tier::Full => full::container_processes(plan),
    };
    recorded.chain(marked).chain(contained).collect()
}

/// The claim goes last: until then the index is taken.
fn remove_files(plan: &Plan, logs: Logs) -> Result<(), Error> {
    let entries = fs::read_dir(&plan.folder).map_err(Error::file(&plan.folder))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let keep = match entry.file_name().to_str() {
            Some("logs") => logs == Logs::Keep,
            Some("state.json") => true,
            _ => false,
        };
        if keep {
            continue;
        }
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(Error::file(&path))?;
    }
    let claim = plan.folder.join("state.json");
    fs::remove_file(&claim).map_err(Error::file(&claim))?;
    if logs == Logs::Delete {
        fs::remove_dir(&plan.folder).map_err(Error::file(&plan.folder))?;
    }
    Ok(())
}

/// Killed processes are gone in milliseconds, unless the machine is in trouble.
const PATIENCE: Duration = Duration::from_secs(20);
