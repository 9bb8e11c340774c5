//! One member as a process of this machine.

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result};
use api::names::env;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::contender::{Contender, Kind};

/// What a process is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The program.
    pub program: PathBuf,
    /// Whose it is, and how long its lease lasts.
    pub contender: Contender,
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub lease: String,
    /// Name of the member.
    pub pod: String,
    /// How many it is, where it is more than one.
    pub crowd: Option<Crowd>,
}

/// How many members a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// How many elections.
    pub leases: usize,
    /// How many members in each.
    pub members: usize,
}

/// A process that takes part in an election. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    /// What it was told.
    pub told: Told,
    /// Where it answers, in each of its lives.
    pub address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts it, on a port that was free a moment ago.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start(told: Told) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = spawn(&told, address)?;
        Ok(Self { told, address, child })
    }

    /// Sends it SIGTERM: a sidecar that is well-behaved hands over.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Sends it SIGKILL.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn kill(&self) -> Result<()> {
        self.signal(Signal::KILL)
    }

    /// Waits until it has ended, and starts it again.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn live_again(&mut self) -> Result<()> {
        self.child.wait().await?;
        self.child = spawn(&self.told, self.address)?;
        Ok(())
    }

    /// Its number, while it runs.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().with_context(|| format!("wanted {} running, found it ended", self.told.pod))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid =
            Pid::from_raw(i32::try_from(self.pid()?)?).context("wanted a process's number")?;
        Ok(kill_process(pid, signal)?)
    }
}

/// The uid of a pod that is none.
pub fn pod_uid(pod: &str) -> String {
    format!("uid-of-{pod}")
}

fn spawn(told: &Told, address: SocketAddr) -> Result<Child> {
    let log = std::env::temp_dir().join(format!("duckduckgoose-bench-{}.log", told.pod));
    let log = std::fs::File::options().create(true).append(true).open(log)?;
    let mut command = Command::new(&told.program);
    command
        .envs(variables(told, address))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    command.spawn().with_context(|| format!("wanted to run {}", told.program.display()))
}

fn variables(told: &Told, address: SocketAddr) -> Vec<(&'static str, OsString)> {
    let address = address.to_string();
    let mut variables = match (told.contender.kind, told.crowd) {
        (Kind::Ours, None) => vec![
            (env::NAMESPACE, told.namespace.clone()),
            (env::CLUSTER, told.lease.clone()),
            (env::POD, told.pod.clone()),
            (env::POD_UID, pod_uid(&told.pod)),
            (env::LISTEN, address),
            // Nobody reads it here.
            (env::TERMINATION_LOG, "/dev/null".to_owned()),
        ],
        (_, crowd) => {
            let Crowd { leases, members } = crowd.unwrap_or(Crowd { leases: 1, members: 1 });
            vec![
                ("BENCH_NAMESPACE", told.namespace.clone()),
                ("BENCH_LEASE", told.lease.clone()),
                ("BENCH_POD", told.pod.clone()),
                ("BENCH_LISTEN", address),
                ("BENCH_SECONDS", told.contender.lease.as_secs().to_string()),
                ("BENCH_LEASES", leases.to_string()),
                ("BENCH_MEMBERS", members.to_string()),
            ]
        }
    };
    variables.push(("KUBECONFIG", told.kubeconfig.display().to_string()));
    variables.into_iter().map(|(name, value)| (name, value.into())).collect()
}
