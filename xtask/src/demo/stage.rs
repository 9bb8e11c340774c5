//! Where the demo plays: on nodes of its own, on processes of its own, or on a borrowed cluster.

mod borrowed;
pub mod nodes;
mod processes;

use std::fs;

use anyhow::{Result, bail};
use observer::Scope;
use testbed::Cluster;
use testbed::programs::{self, Program};

use self::borrowed::Borrowed;
use self::nodes::Nodes;
use self::processes::Processes;
use super::figures::{Figures, Memory};
use crate::cli::DemoOptions;
use crate::clients::Clients;
use crate::screen::Screen;

/// A cluster with the product in it.
pub enum Stage {
    /// Three nodes that were started for the demo.
    Nodes(Nodes),
    /// Processes that were started for the demo.
    Processes(Processes),
    /// A cluster that somebody else has made.
    Borrowed(Borrowed),
}

/// A cluster that is left up.
pub struct Left {
    /// What to type to use it.
    pub exports: String,
    /// What to type to end it.
    pub end: String,
}

impl Stage {
    /// Makes what the options ask for, or what this machine and this user can have.
    ///
    /// # Errors
    /// Where the machine lacks something, a build fails, or the cluster does not come up.
    pub async fn set(
        options: &DemoOptions,
        figures: &mut Figures,
        screen: &Screen,
    ) -> Result<Self> {
        if options.kubeconfig.is_some() || options.context.is_some() {
            return Ok(Self::Borrowed(Borrowed::set(options, figures, screen).await?));
        }
        let is_root = rustix::process::geteuid().is_root();
        if options.light || !is_root {
            return Ok(Self::Processes(Processes::set(figures, screen).await?));
        }
        Ok(Self::Nodes(Nodes::set(figures, screen).await?))
    }

    /// kubectl and helm.
    pub fn clients(&self) -> &Clients {
        match self {
            Self::Nodes(nodes) => &nodes.clients,
            Self::Processes(processes) => &processes.clients,
            Self::Borrowed(borrowed) => &borrowed.clients,
        }
    }

    /// Where the members are.
    pub fn namespace(&self) -> &'static str {
        match self {
            Self::Nodes(_) | Self::Processes(_) => "default",
            Self::Borrowed(_) => borrowed::NAMESPACE,
        }
    }

    /// Whom to observe, and how.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Nodes(nodes) => nodes.scope(),
            Self::Processes(processes) => processes.scope(),
            Self::Borrowed(borrowed) => borrowed.scope(),
        }
    }

    /// What cannot be shown here, if anything.
    pub fn leaves_out(&self) -> Option<&'static str> {
        match self {
            Self::Nodes(_) => None,
            Self::Processes(_) => Some(processes::LEAVES_OUT),
            Self::Borrowed(_) => Some(borrowed::LEAVES_OUT),
        }
    }

    /// What [`kill`](Self::kill) does, in words.
    pub fn kill_in_words(&self) -> &'static str {
        match self {
            Self::Nodes(_) => "SIGKILL to all containers of its pod",
            Self::Processes(_) => "SIGKILL to its sidecar",
            Self::Borrowed(_) => "kubectl delete pod --force --grace-period=0",
        }
    }

    /// Ends a member without a warning.
    ///
    /// # Errors
    /// Where it is gone already.
    pub async fn kill(&self, pod: &str) -> Result<()> {
        match self {
            Self::Nodes(nodes) => nodes.kill(pod),
            Self::Processes(processes) => processes.kill(pod),
            Self::Borrowed(borrowed) => borrowed.kill(pod).await,
        }
    }

    /// Whether [`terminate_sidecar`](Self::terminate_sidecar) can be done here.
    pub fn can_signal(&self) -> bool {
        !matches!(self, Self::Borrowed(_))
    }

    /// SIGTERM to a pod's sidecar.
    ///
    /// # Errors
    /// Where it does not run, or somewhere else than here.
    pub fn terminate_sidecar(&self, pod: &str) -> Result<()> {
        match self {
            Self::Nodes(nodes) => nodes.terminate_sidecar(pod),
            Self::Processes(processes) => processes.terminate_sidecar(pod),
            Self::Borrowed(_) => bail!("wanted to signal a process, found it on another machine"),
        }
    }

    /// The cluster's nodes, where they can be cut off.
    pub fn nodes(&self) -> Option<&Nodes> {
        match self {
            Self::Nodes(nodes) => Some(nodes),
            Self::Processes(_) | Self::Borrowed(_) => None,
        }
    }

    /// What a pod's sidecar holds, where that can be seen.
    pub fn sidecar_memory(&self, pod: &str) -> Option<Memory> {
        self.nodes()?.sidecar_memory(pod)
    }

    /// Leaves the cluster up and returns how to go on with it; what cannot outlive the demo is taken
    /// away.
    ///
    /// # Errors
    /// Where the cluster's state cannot be written, or something stays that should not.
    pub async fn leave_up(self) -> Result<Option<Left>> {
        match self {
            Self::Nodes(nodes) => nodes.leave_up().map(Some),
            Self::Borrowed(borrowed) => Ok(Some(borrowed.leave_up())),
            Self::Processes(processes) => processes.clear().await.map(|()| None),
        }
    }

    /// Takes away what the demo has made.
    ///
    /// # Errors
    /// Where something of it stays.
    pub async fn clear(self) -> Result<()> {
        match self {
            Self::Nodes(nodes) => Ok(nodes.cluster.down().await?),
            Self::Processes(processes) => processes.clear().await,
            Self::Borrowed(borrowed) => borrowed.clear().await,
        }
    }
}

/// Said before anything else: somebody who waits for an unknown time gives up.
fn warn_of_long_builds(screen: &Screen) {
    let programs = testbed::places::cache().join("programs");
    let is_first_run = fs::read_dir(programs).map_or(true, |mut entries| entries.next().is_none());
    if is_first_run {
        screen.line("The first run builds Kubernetes and the images: usually 15 minutes on two cores. The next takes two.");
    }
}

async fn build_programs(wanted: Vec<Program>, screen: &Screen) -> Result<()> {
    let progress = screen.testbed();
    tokio::task::spawn_blocking(move || programs::ensure(&wanted, &progress)).await??;
    Ok(())
}

async fn end_an_earlier_one(name: &str, screen: &Screen) -> Result<()> {
    if Cluster::exists(name)? {
        screen.line(format!("taking the cluster {name} of an earlier demo down"));
        testbed::down(name).await?;
    }
    Ok(())
}
