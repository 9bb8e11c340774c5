//! Faults of one of the cluster's programs.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::control_plane::{self, APISERVER};
use crate::error::Error;
use crate::plan::Plan;
use crate::process::Process;

/// A program of the cluster, such as the API server or a node's kubelet.
#[derive(Clone, Debug)]
pub struct Component {
    plan: Plan,
    process: Process,
}

impl Component {
    pub(crate) fn new(plan: &Plan, name: impl Into<String>) -> Self {
        Self { plan: plan.clone(), process: Process::new(plan, name) }
    }

    /// Its name, such as `kube-apiserver` or `n1-kubelet`.
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// Where it writes its log.
    pub fn log(&self) -> PathBuf {
        self.process.log()
    }

    /// Whether it runs (also when it is frozen).
    pub fn runs(&self) -> bool {
        self.process.identity().is_some()
    }

    /// The number of its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        u32::try_from(self.process.identity()?.pid).ok()
    }

    /// Asks it to end (SIGTERM), and ends it (SIGKILL) where it has not after 2 s. An API server
    /// that has watches always takes these: by itself it would wait a minute for them to end.
    ///
    /// # Errors
    /// Where it was never started.
    pub async fn stop(&self) -> Result<(), Error> {
        let process = self.process.clone();
        let stop = tokio::task::spawn_blocking(move || process.stop(STOP_PATIENCE));
        stop.await.expect("stopping a process does not panic")
    }

    /// Ends it at once (SIGKILL).
    ///
    /// # Errors
    /// Where it was never started.
    pub async fn kill(&self) -> Result<(), Error> {
        let process = self.process.clone();
        let kill = tokio::task::spawn_blocking(move || process.kill());
        kill.await.expect("killing a process does not panic")
    }

    /// Starts it again as it was; the API server is waited for until it is ready.
    ///
    /// # Errors
    /// Where it does not start, or ends again at once.
    pub async fn start(&self) -> Result<(), Error> {
        self.process.restart()?;
        if self.name() == APISERVER {
            control_plane::apiserver_ready(&self.plan).await?;
        }
        Ok(())
    }

    /// Stops it in its tracks (SIGSTOP): connections stay open, nothing answers.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn freeze(&self) -> Result<(), Error> {
        self.process.signal(Signal::STOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// Where it does not run.
    pub fn thaw(&self) -> Result<(), Error> {
        self.process.signal(Signal::CONT)
    }
}

const STOP_PATIENCE: Duration = Duration::from_secs(2);
