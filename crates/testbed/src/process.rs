//! A long-running program of a cluster: started, stopped and started again, also by another
//! process than the one that started it first.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::identity::Identity;
use crate::plan::Plan;
use crate::tail;

/// How a program is called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Invocation {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// The network namespace that it runs in; none for the host's.
    pub namespace: Option<String>,
    /// More environment.
    pub environment: Vec<(String, String)>,
}

/// Every process of a cluster has this variable, with the cluster's folder as its value, in its
/// environment, and so have those that it starts (containerd's shims): `down` finds them by it
/// even if the record of their id was never written.
pub(crate) const MARK: &str = "DUCKGOOSE_TESTBED";

/// `NAME=value` of the mark of a cluster's processes.
pub(crate) fn mark(plan: &Plan) -> String {
    format!("{MARK}={}", plan.folder.display())
}

/// A program of a cluster by its name, such as `kube-apiserver` or `n1-kubelet`.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    name: String,
    folder: PathBuf,
}

/// What is written down about a process.
#[derive(Serialize, Deserialize)]
struct Record {
    invocation: Invocation,
    /// None while it is stopped.
    identity: Option<Identity>,
}

impl Process {
    pub fn new(plan: &Plan, name: impl Into<String>) -> Self {
        Self { name: name.into(), folder: plan.folder.clone() }
    }

    /// All that were ever started in the cluster, and not yet torn down.
    pub fn all(plan: &Plan) -> Vec<Self> {
        let records = fs::read_dir(plan.folder.join(RECORDS)).into_iter().flatten().flatten();
        let names = records.filter_map(|entry| {
            Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned())
        });
        let mut names: Vec<_> = names.collect();
        names.sort();
        names.into_iter().map(|name| Self::new(plan, name)).collect()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("logs").join(format!("{}.log", self.name))
    }

    /// Starts it for the first time.
    pub fn start(&self, invocation: Invocation) -> Result<(), Error> {
        let identity = self
            .spawn(&invocation)
            .map_err(|source| Error::Spawn { program: invocation.program.clone(), source })?;
        self.write(&Record { invocation, identity })
    }

    /// Starts it again, as it was started before. Does nothing where it runs.
    pub fn restart(&self) -> Result<(), Error> {
        if self.identity().is_some() {
            return Ok(());
        }
        let record = self.read()?;
        self.start(record.invocation)
    }

    /// Asks it to end (SIGTERM), and makes it (SIGKILL) when it has not after `patience`. Blocks.
    pub fn stop(&self, patience: Duration) -> Result<(), Error> {
        if let Some(identity) = self.identity() {
            // A stopped process (SIGSTOP) would keep the signal to itself.
            identity.signal(Signal::CONT);
            identity.signal(Signal::TERM);
            if !identity.wait(patience) {
                identity.signal(Signal::KILL);
                identity.wait(KILL_PATIENCE);
            }
        }
        self.forget()
    }

    /// Ends it at once (SIGKILL). Blocks until it is gone.
    pub fn kill(&self) -> Result<(), Error> {
        if let Some(identity) = self.identity() {
            identity.signal(Signal::KILL);
            identity.wait(KILL_PATIENCE);
        }
        self.forget()
    }

    /// Sends a signal; an error where it does not run.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        match self.identity() {
            Some(identity) if identity.signal(signal) => Ok(()),
            _ => Err(self.failure("is not running")),
        }
    }

    /// The process, where it runs.
    pub fn identity(&self) -> Option<Identity> {
        let identity = self.read().ok()?.identity?;
        if identity.runs() {
            return Some(identity);
        }
        // Whoever started it may be this process.
        identity.reap();
        None
    }

    /// An error that shows the end of its log.
    pub fn failure(&self, why: impl Into<String>) -> Error {
        let log = self.log();
        Error::Program {
            name: self.name.clone(),
            why: why.into(),
            tail: tail::of_file(&log, 15),
            log,
        }
    }

    fn spawn(&self, invocation: &Invocation) -> io::Result<Option<Identity>> {
        let log = open_log(&self.log())?;
        let child = self
            .command(invocation)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        // Not waited for by its handle: whoever runs at that time looks at it by its identity.
        Ok(i32::try_from(child.id()).ok().and_then(Identity::of))
    }

    fn command(&self, invocation: &Invocation) -> Command {
        let mut command = match &invocation.namespace {
            None => Command::new(&invocation.program),
            Some(namespace) => {
                let mut command = Command::new("nsenter");
                command
                    .arg(format!("--net={}", crate::netns::path(namespace).display()))
                    .arg(&invocation.program);
                command
            }
        };
        command
            .args(&invocation.arguments)
            .current_dir(&self.folder)
            .env("PATH", crate::tool::search_path())
            .env(MARK, &self.folder)
            .envs(invocation.environment.iter().map(|(name, value)| (name, value)))
            // A Ctrl-C in the terminal is for the program that uses the cluster.
            .process_group(0);
        command
    }

    fn record_path(&self) -> PathBuf {
        self.folder.join(RECORDS).join(format!("{}.json", self.name))
    }

    fn read(&self) -> Result<Record, Error> {
        let path = self.record_path();
        let text = fs::read(&path).map_err(Error::file(&path))?;
        serde_json::from_slice(&text).map_err(|source| Error::File { path, source: source.into() })
    }

    fn write(&self, record: &Record) -> Result<(), Error> {
        let path = self.record_path();
        crate::files::write(&path, serde_json::to_vec_pretty(record).expect("a record is JSON"))
    }

    fn forget(&self) -> Result<(), Error> {
        let record = self.read()?;
        if let Some(identity) = record.identity {
            identity.reap();
        }
        self.write(&Record { identity: None, ..record })
    }
}

pub(crate) fn open_log(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// Folder of the records, below the cluster's.
const RECORDS: &str = "processes";

/// A killed process is gone in milliseconds, unless the machine is in trouble.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
