//! Three nodes of the testbed.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use api::names::SIDECAR_CONTAINER;
use observer::Scope;
use rustix::process::{Pid, Signal, kill_process};
use testbed::programs::Program;
use testbed::{Cluster, Container, Release, Tier};

use super::Left;
use crate::clients::Clients;
use crate::demo::CLUSTER;
use crate::demo::figures::{Figures, Memory};
use crate::image;
use crate::install;
use crate::prepare;
use crate::screen::Screen;
use crate::up;

/// A full cluster that was started for the demo.
pub struct Nodes {
    pub(super) cluster: Cluster,
    pub(super) clients: Clients,
}

impl Nodes {
    pub(super) async fn set(figures: &mut Figures, screen: &Screen) -> Result<Self> {
        super::warn_of_long_builds(screen);
        prepare::install(Tier::Full, screen).await?;
        let wanted = [Tier::Full.programs(Release::Current), vec![Program::Helm]].concat();
        super::build_programs(wanted, screen).await?;
        let images = image::build(screen).await?;
        figures.note_images(&images);

        super::end_an_earlier_one(NAME, screen).await?;
        let started = Instant::now();
        let cluster = up::start(NAME, false, screen).await?;
        figures.cluster_up = Some(started.elapsed());
        let clients = install::on_own_cluster(&cluster, &images, screen).await?;
        Ok(Self { cluster, clients })
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::of_testbed(&self.cluster, NAMESPACE, CLUSTER)
    }

    pub(super) fn kill(&self, pod: &str) -> Result<()> {
        Ok(self.cluster.pod(NAMESPACE, pod)?.kill_all()?)
    }

    /// All nodes.
    pub fn all(&self) -> Vec<testbed::Node> {
        self.cluster.nodes()
    }

    /// Cuts a node off.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn cut(&self, node: &str) -> Result<()> {
        Ok(self.cluster.node(node)?.cut()?)
    }

    /// Connects it again.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn heal(&self, node: &str) -> Result<()> {
        Ok(self.cluster.node(node)?.heal()?)
    }

    /// As the kubelet does it.
    pub(super) fn terminate_sidecar(&self, pod: &str) -> Result<()> {
        let sidecar =
            self.sidecar(pod).with_context(|| format!("wanted a sidecar in {pod}, found none"))?;
        let process =
            Pid::from_raw(sidecar.pid).context("wanted the id of a process, found zero")?;
        Ok(kill_process(process, Signal::TERM)?)
    }

    pub(super) fn sidecar_memory(&self, pod: &str) -> Option<Memory> {
        let process = format!("/proc/{}", self.sidecar(pod)?.pid);
        // The folder of a process is as old as the process.
        let started = fs::metadata(&process).ok()?.modified().ok()?;
        let status = fs::read_to_string(format!("{process}/status")).ok()?;
        Some(Memory { resident: resident(&status)?, after: started.elapsed().ok()? })
    }

    pub(super) fn leave_up(mut self) -> Result<Left> {
        self.cluster.keep()?;
        let end = format!("cargo xtask down --name {NAME}");
        Ok(Left { exports: up::exports(&self.cluster), end })
    }

    fn sidecar(&self, pod: &str) -> Option<Container> {
        let containers = self.cluster.pod(NAMESPACE, pod).ok()?.containers();
        containers.into_iter().find(|container| container.name == SIDECAR_CONTAINER)
    }
}

/// Bytes, by the `VmRSS` line of a process's status.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Name of the cluster.
const NAME: &str = "demo";

/// Where the members are.
const NAMESPACE: &str = "default";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_resident_memory_of_a_process() {
        assert_eq!(resident("Name:\tduckgoose\nVmRSS:\t    4608 kB\n"), Some(4608 * 1024));
        assert_eq!(resident("Name:\tduckgoose\n"), None, "a zombie has none");
    }
}
