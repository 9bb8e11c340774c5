//! A cluster from start to end.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use kube::Client;

use crate::claims::Claim;
use crate::component::Component;
use crate::control_plane;
use crate::error::Error;
use crate::etcd;
use crate::full;
use crate::kubeconfig;
use crate::light;
use crate::node::Node;
use crate::plan::{Plan, Tier};
use crate::pod::Pod;
use crate::prerequisites;
use crate::process::Process;
use crate::programs::{self, Programs, Release};
use crate::progress::Progress;
use crate::steps::Steps;
use crate::teardown::{self, Logs};

/// What kind of cluster to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// 1 to 20 of `a-z`, `0-9` and `-`; no two clusters of a machine have the same.
    pub name: String,
    /// How much of Kubernetes.
    pub tier: Tier,
    /// Which Kubernetes.
    pub kubernetes: Release,
    /// How many nodes, on the full tier.
    pub nodes: u8,
    /// How many members the API server's store has: an odd number. One, on the light tier.
    pub etcd_members: u8,
    /// Image archives to load into every node, besides busybox.
    pub images: Vec<PathBuf>,
    /// More flags for the kube-apiserver.
    pub apiserver_flags: Vec<String>,
    /// Who is told what is going on.
    pub progress: Progress,
}

impl Options {
    /// A light cluster; progress to standard error.
    pub fn light(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            tier: Tier::Light,
            kubernetes: Release::Current,
            nodes: 0,
            etcd_members: 1,
            images: Vec::new(),
            apiserver_flags: Vec::new(),
            progress: Progress::stderr(),
        }
    }

    /// A full cluster with three nodes; progress to standard error.
    pub fn full(name: impl Into<String>) -> Self {
        Self { tier: Tier::Full, nodes: 3, ..Self::light(name) }
    }

    fn check(&self) -> Result<(), Error> {
        let Self { tier, nodes, etcd_members, .. } = self;
        if *tier == Tier::Full && !(1..=MOST_NODES).contains(nodes) {
            return Err(Error::Unfit(format!("wanted 1 to {MOST_NODES} nodes, found {nodes}")));
        }
        let most = if *tier == Tier::Full { MOST_ETCD_MEMBERS } else { 1 };
        if etcd_members % 2 == 0 || *etcd_members > most {
            return Err(Error::Unfit(format!(
                "wanted an odd number of etcd members, at most {most} on the {tier} tier, found \
                 {etcd_members}"
            )));
        }
        Ok(())
    }
}

/// A running cluster.
///
/// One that this process has started is taken down when this is dropped, also after a panic,
/// unless [`keep`](Self::keep) was called. One that it attached to stays.
#[derive(Debug)]
pub struct Cluster {
    claim: Claim,
    programs: Programs,
    /// What to do with the logs when it is dropped; none where it stays.
    on_drop: Option<Logs>,
}

impl Cluster {
    /// Brings a cluster up: the programs are built first where the cache lacks them.
    ///
    /// What a crashed process has left under the same name is taken down before.
    ///
    /// # Errors
    /// Where the machine lacks something, one of that name runs, or a step fails: the error says
    /// which, and shows the end of the program's log. Nothing is left then but the logs.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let Options { tier, kubernetes, ref progress, .. } = options;
        prerequisites::require(tier)?;
        options.check()?;
        let build = {
            let progress = progress.clone();
            let wanted = tier.programs(kubernetes);
            tokio::task::spawn_blocking(move || programs::ensure(&wanted, &progress))
        };
        let programs = build.await.expect("building does not panic")?;
        let claim = {
            let options = options.clone();
            tokio::task::spawn_blocking(move || Claim::new(&options))
        };
        let claim = claim.await.expect("claiming does not panic")?;

        progress.line(format!(
            "starting the {tier} cluster {}, Kubernetes {}",
            options.name,
            kubernetes.version()
        ));
        let mut cluster = Self { claim, programs, on_drop: Some(Logs::Keep) };
        cluster.bring_up(&options.images, &Steps::new(progress)).await?;
        cluster.on_drop = Some(Logs::Delete);
        Ok(cluster)
    }

    /// Uses a cluster that another process has started.
    ///
    /// # Errors
    /// Where there is none of that name, or it is not up (yet, or any more).
    pub fn attach(name: &str) -> Result<Self, Error> {
        let claim = Claim::find(name)?.filter(|claim| claim.ready);
        let claim = claim.ok_or_else(|| Error::Missing { name: name.to_owned() })?;
        let programs = programs::cached(&claim.plan.programs());
        Ok(Self { claim, programs, on_drop: None })
    }

    /// Whether there is a cluster of that name, in whatever state.
    ///
    /// # Errors
    /// Where its state cannot be read.
    pub fn exists(name: &str) -> Result<bool, Error> {
        Ok(Claim::find(name)?.is_some())
    }

    /// How the cluster of that name is; none where there is none.
    ///
    /// # Errors
    /// Where its state cannot be read.
    pub fn status(name: &str) -> Result<Option<Status>, Error> {
        Ok(Claim::find(name)?.as_ref().map(Status::of))
    }

    /// All clusters of this machine.
    ///
    /// # Errors
    /// Where their state cannot be read.
    pub fn list() -> Result<Vec<Status>, Error> {
        Ok(Claim::all()?.iter().map(Status::of).collect())
    }

    /// Lets it outlive this process.
    ///
    /// # Errors
    /// Where its state cannot be written.
    pub fn keep(&mut self) -> Result<(), Error> {
        self.claim.kept = true;
        self.claim.write()?;
        self.on_drop = None;
        Ok(())
    }

    /// Takes it down and waits until nothing of it is left.
    ///
    /// # Errors
    /// Where something stays, which it names.
    pub async fn down(mut self) -> Result<(), Error> {
        self.on_drop = None;
        take_down(self.claim.plan.clone()).await
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.plan().name
    }

    /// How much of Kubernetes it is.
    pub fn tier(&self) -> Tier {
        self.plan().tier
    }

    /// Which Kubernetes it runs.
    pub fn kubernetes(&self) -> Release {
        self.plan().kubernetes
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.plan().kubeconfig("admin")
    }

    /// What service accounts asked of the API server, an entry a line: who, which verb, on what, and
    /// whether it was allowed.
    pub fn audit_log(&self) -> PathBuf {
        self.plan().audit_log()
    }

    /// The address of this machine that the cluster's programs and its pods reach.
    pub fn host_address(&self) -> IpAddr {
        match self.tier() {
            Tier::Light => Ipv4Addr::LOCALHOST.into(),
            Tier::Full => self.plan().host_address().into(),
        }
    }

    /// A client of the administrator. It hides no failure: it does not try again by itself.
    ///
    /// # Errors
    /// Where the kubeconfig cannot be read.
    pub async fn client(&self) -> Result<Client, Error> {
        kubeconfig::client(&self.kubeconfig()).await
    }

    /// Path of a program that the cluster was built from, such as `kubectl`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.path(name)
    }

    /// Loads an image archive into every node. Pods find it with `imagePullPolicy` `Never` or
    /// `IfNotPresent`.
    ///
    /// # Errors
    /// On the light tier, which runs no images, or where containerd refuses it.
    pub async fn load_image(&self, archive: &Path) -> Result<(), Error> {
        self.require_full("images")?;
        full::load_image(self.plan(), &self.programs, archive).await
    }

    /// All nodes; none on the light tier.
    pub fn nodes(&self) -> Vec<Node> {
        self.plan().node_sites().into_iter().map(|node| Node::new(self.plan(), node)).collect()
    }

    /// One node, by its name: `n1`, `n2` …
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn node(&self, name: &str) -> Result<Node, Error> {
        let found = self.nodes().into_iter().find(|node| node.name() == name);
        found.ok_or_else(|| {
            Error::Unfit(format!(
                "wanted the node {name} in the cluster {}, found none",
                self.name()
            ))
        })
    }

    /// One pod, by its name, whether it exists or not.
    ///
    /// # Errors
    /// On the light tier, which runs no pods.
    pub fn pod(&self, namespace: &str, name: &str) -> Result<Pod, Error> {
        self.require_full("containers")?;
        Ok(Pod::new(self.plan(), namespace, name))
    }

    /// The API server.
    pub fn apiserver(&self) -> Component {
        Component::new(self.plan(), control_plane::APISERVER)
    }

    /// The API server's store, or the first of its members.
    pub fn etcd(&self) -> Component {
        Component::new(self.plan(), etcd::PROGRAM)
    }

    /// All members of the API server's store.
    pub fn etcd_members(&self) -> Vec<Component> {
        let names = etcd::names(self.plan()).into_iter();
        names.map(|name| Component::new(self.plan(), name)).collect()
    }

    /// The member of the API server's store that leads the others now; none while they elect one.
    pub async fn etcd_leader(&self) -> Option<Component> {
        let plan = self.plan().clone();
        let leader = tokio::task::spawn_blocking(move || etcd::leader(&plan));
        let leader = leader.await.expect("asking does not panic")?;
        Some(Component::new(self.plan(), leader))
    }

    /// What makes StatefulSets have pods and garbage go.
    pub fn controller_manager(&self) -> Component {
        Component::new(self.plan(), control_plane::CONTROLLER_MANAGER)
    }

    /// What finds nodes for pods.
    ///
    /// # Errors
    /// On the light tier, which has none.
    pub fn scheduler(&self) -> Result<Component, Error> {
        self.require_full("a scheduler")?;
        Ok(Component::new(self.plan(), control_plane::SCHEDULER))
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.claim.plan
    }

    async fn bring_up(&mut self, images: &[PathBuf], steps: &Steps) -> Result<(), Error> {
        let plan = self.plan();
        match plan.tier {
            Tier::Light => light::bring_up(plan, &self.programs, steps).await?,
            Tier::Full => full::bring_up(plan, &self.programs, images, steps).await?,
        }
        self.claim.ready = true;
        self.claim.write()
    }

    fn require_full(&self, what: &str) -> Result<(), Error> {
        match self.tier() {
            Tier::Full => Ok(()),
            Tier::Light => Err(Error::Unfit(format!(
                "wanted a full cluster for {what}, found the light one {}",
                self.name()
            ))),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(logs) = self.on_drop else { return };
        // Whoever reads of the failure will want them.
        let logs = if std::thread::panicking() { Logs::Keep } else { logs };
        if let Err(error) = teardown::down(self.plan(), logs) {
            eprintln!("{error}");
        }
        if logs == Logs::Keep {
            eprintln!(
                "logs of the cluster {}: {}",
                self.name(),
                self.plan().folder.join("logs").display()
            );
        }
    }
}

/// Takes down a cluster of any process, also a half-started or a crashed one.
///
/// # Errors
/// Where there is none of that name, or something of it stays.
pub async fn down(name: &str) -> Result<(), Error> {
    let claim = Claim::find(name)?.ok_or_else(|| Error::Missing { name: name.to_owned() })?;
    take_down(claim.plan).await
}

/// How a cluster is.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// How much of Kubernetes it is.
    pub tier: Tier,
    /// How many nodes it has.
    pub nodes: u8,
    /// Its bring-up is complete.
    pub ready: bool,
    /// It is kept, or the process that started it runs; what is neither was left by a crash.
    pub wanted: bool,
    /// Its programs by name, and whether each runs.
    pub programs: Vec<(String, bool)>,
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
}

impl Status {
    fn of(claim: &Claim) -> Self {
        let plan = &claim.plan;
        let programs = Process::all(plan)
            .into_iter()
            .map(|process| (process.name().to_owned(), process.identity().is_some()));
        Self {
            name: plan.name.clone(),
            tier: plan.tier,
            nodes: plan.nodes,
            ready: claim.ready,
            wanted: claim.lives(),
            programs: programs.collect(),
            kubeconfig: plan.kubeconfig("admin"),
        }
    }
}

async fn take_down(plan: Plan) -> Result<(), Error> {
    let down = tokio::task::spawn_blocking(move || teardown::down(&plan, Logs::Delete));
    down.await.expect("taking down does not panic")
}

/// The address plan has room for more; a machine has not.
const MOST_NODES: u8 = 20;

/// As many as etcd's documentation advises.
const MOST_ETCD_MEMBERS: u8 = 7;
