//! What happens to the Goose's pod on a cluster with nodes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use api::names::{SIDECAR_PORT, goose_service};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{EvictParams, Patch, PatchParams};
use kube::{Api, Client};
use observer::{Goose, Observer, Seen};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use testbed::Node;
use tokio::time::sleep;

use crate::at_once::{see_the_end, two_at_once};
use crate::group::NAMESPACE;
use crate::milliseconds;
use crate::pods::Pods;
use crate::service;

/// One way for a Goose to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGTERM to its sidecar.
    HandOver,
    /// SIGKILL to all containers of its pod.
    Killed,
    /// Its node is drained: cordoned, and its pod evicted as soon as that is allowed.
    Evicted,
    /// Its node is cut off.
    CutOff,
}

/// What one fault was followed by, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Until another term's Goose answered.
    pub took: f64,
    /// Until the Goose's Service led to it, where there is one and it was asked.
    pub service: Option<f64>,
    /// For how long two were Goose.
    pub two_at_once: f64,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::HandOver, Self::Killed, Self::Evicted, Self::CutOff];

    /// Does it once.
    ///
    /// # Errors
    /// Where it cannot be done, or nobody takes over.
    pub async fn measure(self, pods: &Pods<'_>) -> Result<Outcome> {
        let (mut observer, goose) = pods.observe().await?;
        let names =
            |seen: &Seen| -> Vec<_> { seen.members().iter().map(|one| one.pod.clone()).collect() };
        for pod in observer.look(names) {
            observer.crowd(&pod, self.more_connections(), pods.patience());
        }
        sleep(QUIET).await;
        // Renewals are hit at any moment.
        sleep(Duration::from_millis(fastrand::u64(0..2000))).await;
        let service = if self == Self::HandOver { goose_address(pods).await? } else { None };
        let (asked, at) = (Instant::now(), observer.now());
        let followed = self.follow(pods, &observer, &goose);
        let (next, service) =
            tokio::try_join!(followed, leads_to_another(pods, service, goose.term, asked))?;
        see_the_end(&observer, pods.contender.lease * 2).await;
        let two = two_at_once(&observer.stop());
        let took = milliseconds(next.at.saturating_sub(at));
        Ok(Outcome { took, service, two_at_once: milliseconds(two) })
    }

    async fn follow(self, pods: &Pods<'_>, observer: &Observer, goose: &Goose) -> Result<Goose> {
        let next = || observer.goose_after(goose.term, pods.patience());
        let pod = &goose.pod;
        match self {
            Self::HandOver => {
                let pid = Pid::from_raw(pods.sidecar(pod)?.pid).context("wanted a process")?;
                kill_process(pid, Signal::TERM)?;
            }
            Self::Killed => pods.cluster().pod(NAMESPACE, pod)?.kill_all()?,
            Self::Evicted => {
                let node = node_of(observer, pod)?;
                let cordon = Cordon::on(pods.cluster().client().await?, node).await?;
                evict(pods, pod).await?;
                let next = next().await?;
                cordon.off().await?;
                return Ok(next);
            }
            Self::CutOff => {
                let cut = Cut::off(pods.cluster().node(&node_of(observer, pod)?)?)?;
                let next = next().await?;
                // Healed at once, the isolated one would learn of it.
                see_the_end(observer, pods.contender.lease * 2).await;
                cut.heal()?;
                return Ok(next);
            }
        }
        Ok(next().await?)
    }

    /// Besides the one that asks 200 times a second.
    fn more_connections(self) -> usize {
        if self == Self::HandOver { 4 } else { 0 }
    }
}

fn node_of(observer: &Observer, pod: &str) -> Result<String> {
    let node = observer.look(|seen| seen.member(pod)?.node.clone());
    node.with_context(|| format!("wanted the node of {pod}, found none"))
}

/// Again and again while a disruption budget forbids it.
async fn evict(pods: &Pods<'_>, pod: &str) -> Result<()> {
    let all: Api<Pod> = Api::namespaced(pods.cluster().client().await?, NAMESPACE);
    let until = Instant::now() + pods.patience();
    loop {
        match all.evict(pod, &EvictParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 429 && Instant::now() < until => {
                sleep(EVICT_AGAIN).await;
            }
            evicted => return Ok(evicted.map(drop)?),
        }
    }
}

/// The address of the Service that leads to the Goose; only ours has one.
async fn goose_address(pods: &Pods<'_>) -> Result<Option<SocketAddr>> {
    if !pods.contender.is_ours() {
        return Ok(None);
    }
    let services: Api<Service> = Api::namespaced(pods.cluster().client().await?, NAMESPACE);
    let spec = services.get(&goose_service(&pods.contender.slug())).await?.spec;
    let address =
        spec.and_then(|spec| spec.cluster_ip).context("wanted an address of the Service")?;
    Ok(Some(SocketAddr::new(address.parse()?, SIDECAR_PORT)))
}

/// When a new connection to the Service led to a Goose of a later term.
async fn leads_to_another(
    pods: &Pods<'_>,
    service: Option<SocketAddr>,
    term: u64,
    asked: Instant,
) -> Result<Option<f64>> {
    let Some(address) = service else { return Ok(None) };
    let node = pods.cluster().nodes().into_iter().next().context("wanted a node")?;
    let patience = pods.patience();
    let leads = move || service::leads_to_later_term(&node, address, term, patience);
    let at = tokio::task::spawn_blocking(leads).await??;
    Ok(Some(milliseconds(at - asked)))
}

/// A node that takes no new pods. An interrupted run leaves it so; its cluster is gone then, too.
struct Cordon {
    nodes: Api<k8s_openapi::api::core::v1::Node>,
    name: String,
}

impl Cordon {
    async fn on(client: Client, name: String) -> Result<Self> {
        let nodes = Api::all(client);
        let cordon = Self { nodes, name };
        cordon.set(true).await?;
        Ok(cordon)
    }

    async fn off(self) -> Result<()> {
        self.set(false).await
    }

    async fn set(&self, unschedulable: bool) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": { "unschedulable": unschedulable } }));
        self.nodes.patch(&self.name, &PatchParams::default(), &patch).await?;
        Ok(())
    }
}

/// A node that is cut off until this is healed or dropped.
struct Cut(Option<Node>);

impl Cut {
    fn off(node: Node) -> Result<Self> {
        node.cut()?;
        Ok(Self(Some(node)))
    }

    fn heal(mut self) -> Result<()> {
        self.0.take().map_or(Ok(()), |node| Ok(node.heal()?))
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|node| node.heal()) {
            eprintln!("a node stays cut off: {error}");
        }
    }
}

/// The pods have just become ready, so endpoints have changed, and kube-proxy waits a second before it loads its rules
/// again: that wait is not measured with the fault.
const QUIET: Duration = Duration::from_secs(3);

/// `kubectl drain` waits for 5 s.
const EVICT_AGAIN: Duration = Duration::from_millis(100);
