//! Who is measured: one member of an election, which is its Goose, and a bare axum beside it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use api::names::env;
use bench::our_lease;
use bench::process::pod_uid;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use observer::Observer;
use rustix::process::{Pid, setpriority_process};
use testbed::{Cluster, Component};
use tokio::process::{Child, Command};

use crate::command::{cargo, command, run};

/// Both, on one core. They end when this is dropped.
pub struct Members {
    /// The Goose.
    pub sidecar: Server,
    /// What it is compared with.
    pub bare: Server,
}

/// A process that answers HTTP on loopback.
pub struct Server {
    /// Where.
    pub address: SocketAddr,
    /// Its number.
    pub pid: u32,
    _killed_when_dropped: Child,
}

/// Builds all that is run, as it is in an image.
///
/// # Errors
/// Where it does not build.
pub async fn build() -> Result<()> {
    let package = ["--package", "duckduckgoose-sidecar", "--bins", "--examples"];
    run(cargo(&[&["build", "--profile", "image"], &package[..]].concat())).await
}

/// One of the examples of the sidecar that [`build`] has built, on the core of clients.
pub fn client(example: &str) -> Command {
    on_core(CLIENTS, format!("{BUILT}/examples/{example}"))
}

/// A program on a core of its own, as far as there are two.
pub fn on_core(core: &str, program: impl AsRef<Path>) -> Command {
    let mut taskset = command("taskset");
    taskset.args(["--cpu-list", core]).arg(program.as_ref());
    taskset
}

/// The control plane takes what the measured leave: it is not what is measured, and here it has no
/// core of its own.
///
/// # Errors
/// Where it has ended.
pub fn let_others_go_first(cluster: &Cluster) -> Result<()> {
    for program in [cluster.apiserver(), cluster.etcd(), cluster.controller_manager()] {
        let threads = format!("/proc/{}/task", running(&program)?);
        for thread in fs::read_dir(threads)? {
            let number = thread?.file_name().to_string_lossy().parse()?;
            // One that ends meanwhile needs nothing.
            let _ = setpriority_process(Pid::from_raw(number), LEAST);
        }
    }
    Ok(())
}

fn running(program: &Component) -> Result<u32> {
    program.pid().with_context(|| format!("wanted {} running", program.name()))
}

impl Members {
    /// Starts both, and waits until the sidecar is the Goose.
    ///
    /// # Errors
    /// Where one does not start, or there is no Goose.
    pub async fn start(cluster: &Cluster) -> Result<Self> {
        let leases: Api<Lease> = Api::namespaced(cluster.client().await?, NAMESPACE);
        our_lease::make(&leases, NAME, LEASE, &[pod_uid(NAME)]).await?;
        let sidecar = Server::start(|address| {
            let mut sidecar = on_core(SERVERS, format!("{BUILT}/duckgoose"));
            sidecar
                .env("KUBECONFIG", cluster.kubeconfig())
                .env(env::NAMESPACE, NAMESPACE)
                .env(env::CLUSTER, NAME)
                .env(env::POD, NAME)
                .env(env::POD_UID, pod_uid(NAME))
                .env(env::LISTEN, address)
                .env(env::TERMINATION_LOG, "/dev/null")
                // It would tell of each probe that is not answered.
                .stdout(std::process::Stdio::null());
            sidecar
        })?;
        let bare = Server::start(|address| {
            let mut bare = on_core(SERVERS, format!("{BUILT}/examples/bare_hello"));
            bare.arg(address);
            bare
        })?;
        let observer = Observer::of_processes(vec![(NAME.to_owned(), sidecar.address)])?;
        observer.goose(PATIENCE).await?;
        Ok(Self { sidecar, bare })
    }
}

impl Server {
    /// Starts it on a port that was free a moment ago.
    fn start(command: impl FnOnce(String) -> Command) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = command(address.to_string()).spawn().context("wanted to run taskset")?;
        let pid = child.id().context("wanted a process's number")?;
        Ok(Self { address, pid, _killed_when_dropped: child })
    }
}

/// How long a lease lasts here, and the time between two renewals: the defaults.
const LEASE: Duration = Duration::from_secs(6);
/// See [`LEASE`]. [`our_lease`] makes it so.
pub const RENEWAL: Duration = Duration::from_secs(2);

/// A new Lease is nobody's for one lease.
const PATIENCE: Duration = Duration::from_secs(60);

/// Core of the servers.
const SERVERS: &str = "1";

/// Core of who asks them.
pub const CLIENTS: &str = "0";

/// The least urgent that there is.
const LEAST: i32 = 19;

const BUILT: &str = "target/image";
const NAMESPACE: &str = "default";
const NAME: &str = "load-0";
