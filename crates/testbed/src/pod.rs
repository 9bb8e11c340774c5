//! Faults of one pod's containers.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::error::Error;
use crate::full;
use crate::identity::Identity;
use crate::plan::Plan;

/// A pod of a full cluster, as its node knows it: the API server is not asked.
#[derive(Clone, Debug)]
pub struct Pod {
    plan: Plan,
    namespace: String,
    name: String,
}

/// A container that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name in the pod.
    pub name: String,
    /// containerd's id of it.
    pub id: String,
    /// `metadata.uid` of its pod.
    pub pod_uid: String,
    /// The node that it runs on.
    pub node: String,
    /// Its main process, by the host's count.
    pub pid: i32,
    identity: Identity,
}

impl Pod {
    pub(crate) fn new(plan: &Plan, namespace: &str, name: &str) -> Self {
        Self { plan: plan.clone(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// Its containers that run now, sidecars included, without what holds its namespaces.
    pub fn containers(&self) -> Vec<Container> {
        let nodes = self.plan.node_sites().into_iter().map(|node| node.site.name);
        let all = nodes.flat_map(|node| {
            let bundles = full::bundles(&self.plan, &node).into_iter();
            let found = bundles.filter_map(|bundle| Bundle::read(&bundle));
            let ours =
                found.filter(|found| found.namespace == self.namespace && found.pod == self.name);
            ours.filter_map(|found| found.container(&node)).collect::<Vec<_>>()
        });
        all.collect()
    }

    /// Ends the main process of a container (SIGKILL). The kubelet starts it again.
    ///
    /// # Errors
    /// Where no such container runs.
    pub fn kill(&self, container: &str) -> Result<(), Error> {
        self.signal(container, Signal::KILL)
    }

    /// Ends the main processes of all its containers (SIGKILL), as near to at once as can be.
    ///
    /// # Errors
    /// Where none runs.
    pub fn kill_all(&self) -> Result<(), Error> {
        let containers = self.containers();
        if containers.is_empty() {
            return Err(self.not_running("any container"));
        }
        for container in containers {
            container.identity.signal(Signal::KILL);
        }
        Ok(())
    }

    /// Stops the main process of a container in its tracks (SIGSTOP).
    ///
    /// # Errors
    /// Where no such container runs.
    pub fn freeze(&self, container: &str) -> Result<(), Error> {
        self.signal(container, Signal::STOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// Where no such container runs.
    pub fn thaw(&self, container: &str) -> Result<(), Error> {
        self.signal(container, Signal::CONT)
    }

    /// Freezes all processes of a container by its cgroup, as `docker pause` does.
    ///
    /// # Errors
    /// Where no such container runs, or the kernel refuses.
    pub fn freeze_cgroup(&self, container: &str) -> Result<(), Error> {
        full::freeze_cgroup(&self.cgroup(container)?)
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// Where no such container runs, or the kernel refuses.
    pub fn thaw_cgroup(&self, container: &str) -> Result<(), Error> {
        full::thaw_cgroup(&self.cgroup(container)?)
    }

    /// Gives a container no more than so many hundredths of one processor.
    ///
    /// # Errors
    /// Where no such container runs, or the kernel refuses.
    pub fn throttle(&self, container: &str, percent: u32) -> Result<(), Error> {
        full::limit_cpu(&self.cgroup(container)?, Some(percent))
    }

    /// Takes the limit away.
    ///
    /// # Errors
    /// Where no such container runs, or the kernel refuses.
    pub fn unthrottle(&self, container: &str) -> Result<(), Error> {
        full::limit_cpu(&self.cgroup(container)?, None)
    }

    /// What a file of a container holds, by its path there.
    ///
    /// # Errors
    /// Where no such container runs, or it has no such file.
    pub fn read(&self, container: &str, path: &str) -> Result<Vec<u8>, Error> {
        let path = PathBuf::from(format!("/proc/{}/root{path}", self.container(container)?.pid));
        fs::read(&path).map_err(Error::file(&path))
    }

    fn container(&self, name: &str) -> Result<Container, Error> {
        let found = self.containers().into_iter().find(|container| container.name == name);
        found.ok_or_else(|| self.not_running(&format!("the container {name}")))
    }

    fn signal(&self, container: &str, signal: Signal) -> Result<(), Error> {
        let sent = self.container(container)?.identity.signal(signal);
        if sent { Ok(()) } else { Err(self.not_running(&format!("the container {container}"))) }
    }

    fn cgroup(&self, container: &str) -> Result<String, Error> {
        Ok(full::container_cgroup(&self.container(container)?.id))
    }

    fn not_running(&self, what: &str) -> Error {
        Error::Unfit(format!(
            "wanted {what} of the pod {}/{} running, found it on no node",
            self.namespace, self.name
        ))
    }
}

/// What containerd keeps of a container while it runs.
struct Bundle {
    id: String,
    namespace: String,
    pod: String,
    pod_uid: String,
    container: String,
    pid: i32,
}

impl Bundle {
    /// None where it is a pod's sandbox, or has just gone.
    fn read(folder: &Path) -> Option<Self> {
        let id = folder.file_name()?.to_str()?.to_owned();
        let config: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("config.json")).ok()?).ok()?;
        let annotation = |name: &str| {
            Some(config["annotations"][format!("io.kubernetes.cri.{name}")].as_str()?.to_owned())
        };
        if annotation("container-type")? != "container" {
            return None;
        }
        Some(Self {
            namespace: annotation("sandbox-namespace")?,
            pod: annotation("sandbox-name")?,
            pod_uid: annotation("sandbox-uid")?,
            container: annotation("container-name")?,
            pid: fs::read_to_string(folder.join("init.pid")).ok()?.trim().parse().ok()?,
            id,
        })
    }

    /// None where its process has ended. A process in the container's own cgroup is no other's.
    fn container(self, node: &str) -> Option<Container> {
        let identity = Identity::of(self.pid)?;
        let cgroup = fs::read_to_string(format!("/proc/{}/cgroup", self.pid)).ok()?;
        cgroup.contains(&self.id).then(|| Container {
            name: self.container,
            id: self.id,
            pod_uid: self.pod_uid,
            node: node.to_owned(),
            pid: self.pid,
            identity,
        })
    }
}
