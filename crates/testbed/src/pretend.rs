//! A pretended kubelet for the light tier: the sidecar of each pod runs as a host process.
//!
//! What is real: the pod's object and its status, the environment, the ServiceAccount's token, the
//! process with its signals, its restarts in place, its termination message, its end before the pod
//! is deleted. What is not: images, containers other than the sidecar (they are said to run),
//! probes other than the sidecar's `/readyz`, and the pod's network. Pods without a sidecar are
//! left alone.

mod address;
mod environment;
mod member;
mod program;
mod readiness;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::PostParams;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, ResourceExt};
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use self::member::Member;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::identity::Identity;
use crate::plan::{Plan, Tier};
use crate::progress::Progress;

/// Runs the sidecars of all pods of one namespace until it is dropped, which kills them.
#[derive(Debug)]
pub struct PretendKubelet {
    running: Arc<Registry>,
    watching: JoinHandle<()>,
}

impl PretendKubelet {
    /// Makes a node, `pretend-<namespace>`, and from then on binds every pod of the namespace to it
    /// and starts `program` as its sidecar, with the arguments that its container has.
    ///
    /// # Errors
    /// On the full tier, which has real kubelets, or where the node cannot be made.
    pub async fn start(
        cluster: &Cluster,
        namespace: &str,
        program: impl Into<PathBuf>,
    ) -> Result<Self, Error> {
        if cluster.tier() != Tier::Light {
            return Err(Error::Unfit(
                "wanted a light cluster to pretend on, found a full one".to_owned(),
            ));
        }
        let running = Arc::new(Registry::default());
        let shared = Shared {
            client: cluster.client().await?,
            plan: cluster.plan().clone(),
            namespace: namespace.to_owned(),
            node: format!("pretend-{namespace}"),
            program: program.into(),
            running: running.clone(),
            progress: Progress::stderr(),
        };
        shared.make_node().await?;
        let watching = tokio::spawn(watch_pods(Arc::new(shared)));
        Ok(Self { running, watching })
    }

    /// Where the sidecar of a pod listens: an address of its own on loopback, and its usual port.
    ///
    /// The pod's status says another one: Kubernetes allows no loopback address there.
    pub fn address(&self, pod: &str) -> Option<SocketAddr> {
        self.running.find(pod).map(|running| running.address)
    }

    /// Ends a pod's sidecar at once (SIGKILL). It is started again.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn kill(&self, pod: &str) -> Result<(), Error> {
        self.signal(pod, Signal::KILL)
    }

    /// Asks a pod's sidecar to end (SIGTERM). It is started again.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn terminate(&self, pod: &str) -> Result<(), Error> {
        self.signal(pod, Signal::TERM)
    }

    /// Stops a pod's sidecar in its tracks (SIGSTOP).
    ///
    /// # Errors
    /// Where it does not run.
    pub fn freeze(&self, pod: &str) -> Result<(), Error> {
        self.signal(pod, Signal::STOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// Where it does not run.
    pub fn thaw(&self, pod: &str) -> Result<(), Error> {
        self.signal(pod, Signal::CONT)
    }

    /// The log of a pod's sidecar.
    pub fn log(&self, pod: &str) -> Option<PathBuf> {
        self.running.find(pod).map(|running| running.log)
    }

    fn signal(&self, pod: &str, signal: Signal) -> Result<(), Error> {
        let process = self.running.find(pod).and_then(|running| running.process);
        match process {
            Some(process) if process.signal(signal) => Ok(()),
            _ => Err(Error::Unfit(format!(
                "wanted the sidecar of the pod {pod} running, found none"
            ))),
        }
    }
}

impl Drop for PretendKubelet {
    fn drop(&mut self) {
        // With the task go its members, and with each its process.
        self.watching.abort();
    }
}

/// What all members need to know.
struct Shared {
    client: Client,
    plan: Plan,
    namespace: String,
    node: String,
    program: PathBuf,
    running: Arc<Registry>,
    progress: Progress,
}

impl Shared {
    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn make_node(&self) -> Result<(), Error> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = serde_json::json!({
            "metadata": { "name": self.node, "labels": { "kubernetes.io/hostname": self.node } },
        });
        let node: Node = serde_json::from_value(node).expect("a fixed node");
        match nodes.create(&PostParams::default(), &node).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            made => {
                made?;
            }
        }
        let ready = serde_json::json!({ "status": { "conditions": [
            { "type": "Ready", "status": "True", "reason": "Pretended", "message": "there is no such node" },
        ]}});
        nodes
            .patch_status(&self.node, &Default::default(), &kube::api::Patch::Strategic(ready))
            .await?;
        Ok(())
    }

    fn folder(&self, pod: &Pod) -> PathBuf {
        let name =
            format!("{}_{}_{}", self.namespace, pod.name_any(), pod.uid().unwrap_or_default());
        self.plan.folder.join("pods").join(name)
    }

    fn log(&self, pod: &Pod) -> PathBuf {
        self.plan.folder.join("logs").join(format!("{}_{}.log", self.namespace, pod.name_any()))
    }
}

/// Which sidecars run, by the uid of their pod.
#[derive(Debug, Default)]
struct Registry(Mutex<BTreeMap<String, Running>>);

#[derive(Clone, Debug)]
struct Running {
    pod: String,
    address: SocketAddr,
    log: PathBuf,
    /// None between two runs.
    process: Option<Identity>,
}

impl Registry {
    fn put(&self, uid: &str, running: Running) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned(), running);
    }

    fn remove(&self, uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    fn find(&self, pod: &str) -> Option<Running> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().find(|running| running.pod == pod).cloned()
    }
}

/// One task per pod, which is told of every version of it. The tasks end with this one.
async fn watch_pods(shared: Arc<Shared>) {
    let mut members =
        Members { shared: shared.clone(), told: BTreeMap::new(), tasks: JoinSet::new() };
    let mut listed = BTreeSet::new();
    let events = watcher::watcher(shared.pods(), watcher::Config::default()).default_backoff();
    let mut events = pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(pod)) => {
                listed.extend(pod.uid());
                members.seen(pod);
            }
            // Those that went while nobody was looking.
            Ok(Event::InitDone) => members.told.retain(|uid, _| listed.contains(uid)),
            Ok(Event::Apply(pod)) => members.seen(pod),
            Ok(Event::Delete(pod)) => members.gone(&pod),
            // It goes on by itself; an API server that is stopped on purpose is no news.
            Err(_) => {}
        }
    }
}

struct Members {
    shared: Arc<Shared>,
    /// By uid. A member whose sender is dropped knows that its pod is gone.
    told: BTreeMap<String, watch::Sender<Pod>>,
    tasks: JoinSet<()>,
}

impl Members {
    fn seen(&mut self, pod: Pod) {
        let Some(uid) = pod.uid() else { return };
        if let Some(told) = self.told.get(&uid) {
            told.send_replace(pod);
        } else if environment::sidecar(&pod).is_some() && is_ours(&pod, &self.shared.node) {
            let (told, pod) = watch::channel(pod);
            self.tasks.spawn(Member::new(self.shared.clone(), pod).run());
            self.told.insert(uid, told);
        }
    }

    fn gone(&mut self, pod: &Pod) {
        if let Some(uid) = pod.uid() {
            self.told.remove(&uid);
        }
    }
}

fn is_ours(pod: &Pod, node: &str) -> bool {
    let bound = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    bound.is_none_or(|bound| bound == node)
}

/// Where the token of a pod's ServiceAccount is, in a kubeconfig.
fn kubeconfig_path(folder: &Path) -> PathBuf {
    folder.join("kubeconfig")
}
