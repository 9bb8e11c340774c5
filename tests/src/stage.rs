//! One test's namespace, its clients, and what to tell when it fails.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use api::names::SIDECAR_CONTAINER;
use futures::FutureExt;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, ServiceAccount};
use kube::api::{DeleteParams, EvictParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use observer::{FindWay, Way};
use serde_json::json;
use testbed::{Cluster, PretendKubelet, Tier};

use crate::eventually;
use crate::pond::SETTLING;
use crate::suite::Test;
use crate::theatre::{self, Theatre};

/// What one test has to itself.
pub struct Stage {
    /// The test's name.
    pub test: &'static str,
    /// Its namespace, under the Pod Security standard `restricted`.
    pub namespace: String,
    /// A client of the administrator.
    pub client: Client,
    /// The cluster that all tests share.
    pub theatre: Arc<Theatre>,
    kubelet: Option<Arc<PretendKubelet>>,
    more_namespaces: Mutex<Vec<String>>,
}

/// Plays one test on a stage that is made before and taken away after it.
pub(crate) async fn play(
    test: &'static str,
    play: impl Test,
    theatre: &Arc<Theatre>,
) -> Result<()> {
    let stage = Stage::set(test, theatre).await.context("setting the stage")?;
    let played = AssertUnwindSafe(play(&stage)).catch_unwind().await;
    let result = played.unwrap_or_else(|panic| Err(anyhow!("panicked: {}", words_of(&*panic))));
    if result.is_err() {
        stage.tell().await;
    }
    stage.strike().await?;
    result
}

impl Stage {
    async fn set(test: &'static str, theatre: &Arc<Theatre>) -> Result<Self> {
        let cluster = theatre.cluster()?;
        let client = cluster.client().await?;
        theatre.raise_operator().await?;
        let namespace = make_namespace(&client, test).await?;
        let kubelet = match theatre.tier {
            Tier::Full => None,
            Tier::Light => {
                let sidecar = theatre::built("duckgoose", "duckduckgoose-sidecar")?;
                Some(Arc::new(PretendKubelet::start(cluster, &namespace, sidecar).await?))
            }
        };
        Ok(Self {
            test,
            namespace,
            client,
            theatre: theatre.clone(),
            kubelet,
            more_namespaces: Mutex::default(),
        })
    }

    /// The cluster that all tests share.
    pub fn cluster(&self) -> &Cluster {
        self.theatre.cluster().expect("it was there when the stage was set")
    }

    /// What runs the sidecars on the light tier.
    ///
    /// # Panics
    /// On the full tier.
    pub fn kubelet(&self) -> &PretendKubelet {
        self.kubelet.as_ref().expect("the light tier has one")
    }

    /// Objects of one kind in the test's namespace.
    pub fn all<Kind>(&self) -> Api<Kind>
    where
        Kind: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        Kind::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Runs kubectl in the test's namespace, with words that have no blanks in them.
    ///
    /// # Errors
    /// Where it fails, with its own words.
    pub async fn kubectl(&self, words: &str) -> Result<String> {
        self.kubectl_in(&self.namespace, words).await
    }

    /// The same in the operator's namespace.
    ///
    /// # Errors
    /// As [`kubectl`](Self::kubectl).
    pub async fn kubectl_of_operator(&self, words: &str) -> Result<String> {
        self.kubectl_in(theatre::OPERATOR_NAMESPACE, words).await
    }

    async fn kubectl_in(&self, namespace: &str, words: &str) -> Result<String> {
        let namespace = ["--namespace", namespace];
        let words: Vec<_> = namespace.into_iter().chain(words.split_whitespace()).collect();
        theatre::kubectl(self.cluster(), &words).await
    }

    /// Evicts a pod as an autoscaler does: again and again, for a budget counts some time later.
    ///
    /// # Errors
    /// Where it is never granted.
    pub async fn evict(&self, pod: &str) -> Result<()> {
        eventually("the eviction granted", SETTLING, async || {
            Ok(self.all::<Pod>().evict(pod, &EvictParams::default()).await.map(drop)?)
        })
        .await
    }

    /// A second namespace, of the same kind.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub async fn another_namespace(&self) -> Result<String> {
        let namespace = make_namespace(&self.client, self.test).await?;
        let mut more = self.more_namespaces.lock().unwrap_or_else(PoisonError::into_inner);
        more.push(namespace.clone());
        Ok(namespace)
    }

    /// The node of that replica of the operator that works.
    ///
    /// # Errors
    /// Where none does.
    pub async fn operator_node(&self) -> Result<String> {
        let client = || self.client.clone();
        let leases: Api<Lease> = Api::namespaced(client(), theatre::OPERATOR_NAMESPACE);
        let leader = leases.get(theatre::OPERATOR_LEASE).await?.spec;
        let leader = leader.and_then(|lease| lease.holder_identity);
        let leader =
            leader.context("wanted an operator that works, found a Lease without holder")?;
        let pods: Api<Pod> = Api::namespaced(client(), theatre::OPERATOR_NAMESPACE);
        let node = pods.get(&leader).await?.spec.and_then(|pod| pod.node_name);
        node.with_context(|| format!("wanted the node of {leader}, found none"))
    }

    /// How the observer gets to the pods.
    pub fn ways(&self) -> FindWay {
        let Some(kubelet) = self.kubelet.clone() else {
            return Way::by_node(self.cluster().nodes());
        };
        Arc::new(move |pod| kubelet.address(&pod.name_any()).map(Way::Direct))
    }

    /// Prints what was measured, as information.
    pub fn figure(&self, what: &str, measured: Duration) {
        println!("     {}: {what} {:.0} ms", self.test, measured.as_secs_f64() * 1000.0);
    }

    /// A file for a person to look at after a failure.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        let folder = theatre::left_behind().join(&self.namespace);
        std::fs::create_dir_all(&folder)?;
        Ok(folder.join(name))
    }

    /// What a person would look at first after a failure.
    async fn tell(&self) {
        eprintln!("     {} failed; in its namespace there was:", self.test);
        let questions = [
            "get duckgooseclusters,leases,statefulsets,pods --output=wide --show-labels",
            "get duckgooseclusters --output=jsonpath={.items[*].status}",
            "get leases --output=jsonpath={.items[*].metadata.annotations}",
            "get events --sort-by=.metadata.creationTimestamp",
        ];
        for question in questions {
            let answer = self.kubectl(question).await.unwrap_or_else(|error| format!("{error:#}"));
            eprintln!("$ kubectl {question}\n{answer}");
        }
        let log = self.theatre.operator_log(&self.namespace).await;
        eprintln!("the operator's log:\n{}", log.unwrap_or_else(|error| format!("{error:#}")));
        self.tell_logs().await;
    }

    /// What the sidecars wrote, also those that ran before.
    async fn tell_logs(&self) {
        let pods = self.all::<Pod>().list(&ListParams::default()).await;
        for pod in pods.into_iter().flatten() {
            let name = pod.name_any();
            eprintln!("the sidecar of {name}:");
            if let Some(log) = self.kubelet.as_ref().and_then(|kubelet| kubelet.log(&name)) {
                eprintln!("{}", std::fs::read_to_string(log).unwrap_or_default());
            }
            for run in ["--previous", "--previous=false"] {
                let words = format!("logs {name} --container={SIDECAR_CONTAINER} --tail=20 {run}");
                // Most have not run before, and on the light tier none has a log in Kubernetes.
                eprint!("{}", self.kubectl(&words).await.unwrap_or_default());
            }
        }
    }

    /// Its namespaces go on their own time; the suite waits for all of them at its end.
    async fn strike(self) -> Result<()> {
        let now = DeleteParams::default();
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let more = self.more_namespaces.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for namespace in more.iter().chain([&self.namespace]) {
            namespaces.delete(namespace, &now).await?;
        }
        if self.kubelet.is_some() {
            // Pods end only while there is somebody to end them.
            self.no_pod_is_left().await?;
            let nodes: Api<Node> = Api::all(self.client.clone());
            nodes.delete(&format!("pretend-{}", self.namespace), &now).await?;
        }
        Ok(())
    }

    async fn no_pod_is_left(&self) -> Result<()> {
        let (pods, now) = (self.all::<Pod>(), DeleteParams::default());
        // The namespace's controller would come to it, too, but takes its time.
        pods.delete_collection(&now, &ListParams::default()).await?;
        eventually("no pod left", CLEARING, async || {
            let left = pods.list(&ListParams::default()).await?;
            let left: Vec<_> = left.iter().map(|pod| pod.name_any()).collect();
            ensure!(left.is_empty(), "{}", left.join(", "));
            Ok(())
        })
        .await
    }
}

/// Whether the namespaces of all tests of this run are gone.
pub(crate) async fn none_is_left(client: &Client) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let ours = ListParams::default().labels(&format!("{OF_A_TEST}={}", std::process::id()));
    let left: Vec<_> = namespaces.list(&ours).await?.iter().map(|found| found.name_any()).collect();
    ensure!(left.is_empty(), "{}", left.join(", "));
    Ok(())
}

async fn make_namespace(client: &Client, test: &str) -> Result<String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let prefix: String = test.replace('_', "-").chars().take(40).collect();
    let namespace = json!({
        "metadata": {
            "generateName": format!("{}-", prefix.trim_end_matches('-')),
            "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
                OF_A_TEST: std::process::id().to_string(),
            },
        },
    });
    let made =
        namespaces.create(&PostParams::default(), &serde_json::from_value(namespace)?).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &made.name_any());
    eventually("the namespace's default account", CLEARING, async || {
        Ok(accounts.get("default").await.map(drop)?)
    })
    .await?;
    Ok(made.name_any())
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

/// Label of the namespaces, with the process that made them: what a crashed run has left is not
/// this one's fault.
const OF_A_TEST: &str = "duckduckgoose.dev/of-a-test";

const CLEARING: Duration = Duration::from_secs(60);
