//! A `DuckGooseCluster` under observation.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::DuckGooseCluster;
use api::names::HANDOVER_ANNOTATION;
use api::status::goose_change;
use history::History;
use kube::api::PostParams;
use observer::{Goose, Observer, Scope, Seen};
use serde_json::{Map, Value, json};

use crate::eventually;
use crate::stage::Stage;
use crate::theatre;

/// What kind of cluster a test wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// How many pods.
    pub replicas: usize,
    /// `spec.lease.duration`.
    pub lease: Duration,
    /// `spec.lease.renewal`.
    pub renewal: Duration,
    /// `spec.template.spec`.
    pub pod: Value,
    /// Fields of `spec` beside these.
    pub more: Map<String, Value>,
}

/// A cluster that was made by a test, and everything that its members say.
pub struct Pond<'stage> {
    /// Its name.
    pub name: String,
    /// Asks its members, all the time.
    pub observer: Observer,
    stage: &'stage Stage,
    namespace: String,
    is_judged: bool,
}

impl Wanted {
    /// So many pods, with the shortest lease, so that a behaviour costs seconds.
    pub fn pods(replicas: usize) -> Self {
        Self {
            name: "pond".to_owned(),
            replicas,
            lease: SHORT_LEASE,
            renewal: Duration::from_millis(500),
            pod: pod(),
            more: Map::new(),
        }
    }

    /// With the default lease: for tests in which the Goose must not lose it by a slow machine.
    #[must_use]
    pub fn with_default_lease(self) -> Self {
        Self { lease: Duration::from_secs(6), renewal: Duration::from_secs(2), ..self }
    }

    /// With a workload that does not end before it is killed, 15 s after it was told to.
    #[must_use]
    pub fn that_end_slowly(mut self) -> Self {
        self.pod["terminationGracePeriodSeconds"] = json!(15);
        let deaf = "trap '' TERM; while true; do sleep 1; done";
        self.pod["containers"][0]["command"] = json!(["sh", "-c", deaf]);
        self
    }

    /// By another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// With this field of `spec`.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.more.insert(field.to_owned(), value);
        self
    }

    /// The object to create.
    pub fn object(&self) -> Value {
        let mut object = json!({
            "apiVersion": "duckduckgoose.dev/v1alpha1",
            "kind": "DuckGooseCluster",
            "metadata": { "name": self.name },
            "spec": {
                "replicas": self.replicas,
                "lease": {
                    "duration": format!("{}ms", self.lease.as_millis()),
                    "renewal": format!("{}ms", self.renewal.as_millis()),
                },
                "template": { "spec": self.pod },
            },
        });
        for (field, value) in &self.more {
            object["spec"][field] = value.clone();
        }
        object
    }
}

impl Stage {
    /// Makes a cluster.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn make(&self, wanted: &Wanted) -> Result<()> {
        make(self, &self.namespace, wanted).await
    }

    /// Makes a cluster and begins to observe it.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn dig(&self, wanted: &Wanted) -> Result<Pond<'_>> {
        self.dig_in(&self.namespace, wanted).await
    }

    /// The same in another namespace.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn dig_in(&self, namespace: &str, wanted: &Wanted) -> Result<Pond<'_>> {
        make(self, namespace, wanted).await?;
        let (namespace, name) = (namespace.to_owned(), wanted.name.clone());
        let scope = Scope::with_ways(self.cluster(), &namespace, &name, self.ways());
        let observer = Observer::start(scope).await?;
        Ok(Pond { name, observer, stage: self, namespace, is_judged: false })
    }

    /// The same, and waits until all its pods are ready and one is Goose.
    ///
    /// # Errors
    /// Where that does not come to be.
    pub async fn pond(&self, wanted: &Wanted) -> Result<(Pond<'_>, Goose)> {
        let pond = self.dig(wanted).await?;
        let goose = pond.settled(wanted.replicas).await?;
        Ok((pond, goose))
    }
}

impl Pond<'_> {
    /// Waits until there are so many pods, all ready, exactly one of them Goose, and labelled so.
    ///
    /// # Errors
    /// Where that does not come to be.
    pub async fn settled(&self, pods: usize) -> Result<Goose> {
        let goose = self.observer.settled(pods, SETTLING).await?;
        goose.context("wanted a Goose, found no pods wanted")
    }

    /// Waits until somebody is Goose in a later term.
    ///
    /// # Errors
    /// Where nobody is.
    pub async fn goose_after(&self, goose: &Goose) -> Result<Goose> {
        Ok(self.observer.goose_after(goose.term, TAKE_OVER).await?)
    }

    /// Waits until somebody is Goose in a later term, while the workload of this one has not ended yet.
    ///
    /// # Errors
    /// Where nobody is, or the workload has ended.
    pub async fn goose_after_one_that_ends(&self, goose: &Goose) -> Result<Goose> {
        let next = self.goose_after(goose).await?;
        let containers = self.stage.cluster().pod(&self.namespace, &goose.pod)?.containers();
        let runs = containers.iter().any(|one| one.pod_uid == *goose.uid && one.name == "app");
        ensure!(runs, "wanted {next:?} while the workload of {} runs, found it ended", goose.pod);
        Ok(next)
    }

    /// Waits until the Goose's pod is gone, and another leads.
    ///
    /// # Errors
    /// Where that does not come to be, or the pod was told to go before its role had moved.
    pub async fn goose_moved_from(&self, goose: &Goose) -> Result<Goose> {
        let is_it = |member: &&observer::Member| member.uid == goose.uid;
        let old = |seen: &Seen| seen.members().into_iter().find(is_it).cloned();
        let told = |seen: &Seen| old(seen).is_none_or(|old| old.leaving).then_some(());
        self.observer.until("the Goose's pod told to go", SETTLING, told).await?;
        let told = self.observer.now();
        let gone = |seen: &Seen| old(seen).is_none().then_some(());
        self.observer.until("the Goose's pod gone", SETTLING, gone).await?;
        let last = self.observer.look(|seen| seen.history.last_goose(&goose.uid).cloned());
        let last = last.context("wanted to have heard the Goose")?;
        ensure!(
            last.asked < told,
            "wanted {} moved before its pod is told to go, found it Goose {:?} later",
            goose.pod,
            last.asked - told
        );
        self.goose_after(goose).await
    }

    /// The object as it stands.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn object(&self) -> Result<DuckGooseCluster> {
        Ok(self.stage.all::<DuckGooseCluster>().get(&self.name).await?)
    }

    /// Whether the status tells that this Goose is the last, and that the role was handed over to it.
    ///
    /// # Errors
    /// Where it tells something else.
    pub async fn was_handed_over_to(&self, goose: &Goose) -> Result<()> {
        let history = self.object().await?.status.unwrap_or_default().history;
        let change = history.first().context("wanted a history")?;
        ensure!(
            (&*change.goose, &*change.reason) == (&*goose.pod, goose_change::HANDED_OVER),
            "wanted {goose:?} by a hand-over, found {change:?}"
        );
        Ok(())
    }

    /// Waits until the condition of this type is so, and returns its message.
    ///
    /// # Errors
    /// Where it does not come to be.
    pub async fn condition(&self, type_: &str, status: &str, reason: &str) -> Result<String> {
        let wanted = format!("the condition {type_} {status} by {reason}");
        eventually(&wanted, SETTLING, async || {
            let conditions = self.object().await?.status.unwrap_or_default().conditions;
            let found = conditions.iter().find(|found| found.type_ == type_);
            let found = found.with_context(|| format!("{conditions:?}"))?;
            ensure!(found.status == status && found.reason == reason, "{found:?}");
            Ok(found.message.clone())
        })
        .await
    }

    /// Asks for the pod of this name to be the Goose, and waits until it is.
    ///
    /// # Errors
    /// Where it does not come to be.
    pub async fn hand_over_to(&self, pod: &str) -> Result<Goose> {
        let annotation = format!("{HANDOVER_ANNOTATION}={pod}");
        let wanted = format!("{pod} as the Goose");
        let is_goose = |seen: &Seen| seen.goose().filter(|goose| *goose.pod == *pod);
        self.stage.kubectl(&format!("annotate dgc {} {annotation}", self.name)).await?;
        Ok(self.observer.until(&wanted, TAKE_OVER, is_goose).await?)
    }

    /// Ends the observation, and judges it: never two Geese, never two pods labelled so.
    ///
    /// # Errors
    /// Where there were, with an excerpt and the file that has all of it.
    pub fn judge(mut self) -> Result<History> {
        let history = self.observer.stop();
        self.is_judged = true;
        observer::report::judge(&history, &self.title(), &theatre::left_behind())?;
        Ok(history)
    }

    fn title(&self) -> String {
        format!("{}-{}", self.namespace, self.name)
    }
}

/// A test that fails before the judgement leaves behind what it has seen.
impl Drop for Pond<'_> {
    fn drop(&mut self) {
        if self.is_judged {
            return;
        }
        let (now, history) = (self.observer.now(), self.observer.stop());
        let found = history.verdict().findings().map(|(_, finding)| finding).collect::<Vec<_>>();
        eprintln!("{}\nthe last seconds of {}:", found.join("\n"), self.title());
        eprintln!("{}", history.excerpt(now, LAST_SECONDS));
        match observer::report::write(&history, &self.title(), &theatre::left_behind()) {
            Ok(file) => eprintln!("all of it: {}", file.display()),
            Err(error) => eprintln!("{error}"),
        }
    }
}

async fn make(stage: &Stage, namespace: &str, wanted: &Wanted) -> Result<()> {
    let clusters = kube::Api::namespaced(stage.client.clone(), namespace);
    let cluster: DuckGooseCluster = serde_json::from_value(wanted.object())?;
    let made = clusters.create(&PostParams::default(), &cluster).await;
    made.map(drop).with_context(|| format!("wanted to make the cluster {}", wanted.name))
}

/// A pod as the Pod Security standard `restricted` wants it, that does nothing and ends at once
/// when told to. One per node, where there are nodes enough.
pub fn pod() -> Value {
    json!({
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 1000,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "topologySpreadConstraints": [{
            "topologyKey": "kubernetes.io/hostname",
            "maxSkew": 1,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": { api::names::CLUSTER_LABEL: "pond" } },
        }],
        "containers": [{
            "name": "app",
            "image": "busybox:stable",
            "command": ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 3600 & wait; done"],
            "resources": { "requests": { "cpu": "5m", "memory": "8Mi" } },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            },
        }],
    })
}

/// The shortest that there is.
pub const SHORT_LEASE: Duration = Duration::from_secs(2);

/// For pods to start on a machine that is busy with other things.
pub const SETTLING: Duration = Duration::from_secs(60);

/// For another to lead: some leases, for a machine that is busy. How long it took is a figure.
pub const TAKE_OVER: Duration = Duration::from_secs(30);

const LAST_SECONDS: Duration = Duration::from_secs(20);
