//! An operator that brings another sidecar is put in the place of one at work, as the chart's upgrade
//! does: one cluster after the other takes it, also when the operator is killed in the midst, and a
//! cluster whose user changes it takes it at once. One that stands still by its user's wish keeps no
//! other waiting. A sidecar that does not come up stays with the first cluster that took it, with its
//! Goose untouched, until the operator is set back.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::DuckGooseCluster;
use api::names::{CLUSTER_LABEL, SIDECAR_CONTAINER, UPGRADE_ANNOTATION, UPGRADE_NOW};
use api::status::{condition, progressing};
use futures::StreamExt;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use stage::life::Life;
use stage::puppets::{NEVER_PULLED, Puppets};
use stage::{Operator, Wanted, eventually};
use testbed::Cluster;
use tokio::task::JoinSet;
use tokio::time::sleep;

pub async fn test(cluster: &Cluster) -> Result<()> {
    let client = cluster.client().await?;
    let _puppets = Puppets::play(client.clone());
    let life = Life::begin(&client).await?;
    let ponds = Ponds {
        clusters: Api::namespaced(client.clone(), &life.namespace),
        sets: Api::namespaced(client.clone(), &life.namespace),
        pods: Api::namespaced(client, &life.namespace),
    };
    let operator = start(cluster, "first")?;
    for name in PONDS {
        let object = serde_json::from_value(Wanted::pods(3).named(name).object())?;
        ponds.clusters.create(&PostParams::default(), &object).await?;
    }
    ponds.all_have("first", &PONDS).await?;
    // As those of a version that does not say what it made them from.
    ponds.forget_origin("b").await?;
    ponds.patch("c", json!({ "spec": { "paused": true } })).await?;
    drop(operator);

    let made = Made::follow(&ponds.pods);
    let operator = start(cluster, "second")?;
    ponds.has_begun(1, "second").await?;
    drop(operator);
    let operator = start(cluster, "second")?;
    ponds.all_have("second", &["a", "b", "d"]).await?;
    ensure!(ponds.of_image("second").await?.len() == 3, "wanted c as it was, since it is paused");
    ponds.patch("c", json!({ "spec": { "paused": false } })).await?;
    ponds.all_have("second", &PONDS).await?;
    made.took_turns(&image("second"))?;
    drop(operator);

    a_broken_one_stops(cluster, &ponds).await?;
    let operator = start(cluster, "second")?;
    ponds.all_have("second", &PONDS).await?;
    drop(operator);
    a_turn_is_given_by_hand(cluster, &ponds).await?;
    life.end().await
}

/// A sidecar that cannot be pulled.
async fn a_broken_one_stops(cluster: &Cluster, ponds: &Ponds) -> Result<()> {
    let geese = ponds.geese().await?;
    let _operator = start(cluster, NEVER_PULLED)?;
    ponds.has_begun(1, NEVER_PULLED).await?;
    let broken = ponds.of_image(NEVER_PULLED).await?;
    let first = broken.first().context("wanted one that has begun")?;
    let says = ponds.progressing(first, progressing::POD_NOT_READY).await?;
    ensure!(says.contains("no other cluster"), "wanted it said that all others wait, found {says}");
    let others: Vec<_> = PONDS.into_iter().filter(|name| name != first).collect();
    for waiting in &others {
        ponds.progressing(waiting, progressing::UPGRADE_WAITS).await?;
    }
    sleep(WINDOW).await;
    let broken = ponds.of_image(NEVER_PULLED).await?;
    ensure!(broken.len() == 1, "wanted it stopped at the first, found {broken:?}");
    let now = ponds.geese().await?;
    ensure!(now == geese, "wanted every Goose untouched, found {now:?} for {geese:?}");

    // Whoever changes the cluster gets all of the change.
    let label = json!({ "metadata": { "labels": { "version": "2" } } });
    ponds.patch(others[0], json!({ "spec": { "template": label } })).await?;
    ponds.progressing(others[0], progressing::POD_NOT_READY).await?;
    Ok(())
}

/// No cluster at a time, but for those whose user says so.
async fn a_turn_is_given_by_hand(cluster: &Cluster, ponds: &Ponds) -> Result<()> {
    let _operator = start_with(cluster, "third", &["--max-sidecar-upgrades", "0"])?;
    for waiting in PONDS {
        ponds.progressing(waiting, progressing::UPGRADE_WAITS).await?;
    }
    // What is not of the template is carried out meanwhile.
    ponds.patch("a", json!({ "spec": { "replicas": 2 } })).await?;
    ponds
        .patch("b", json!({ "metadata": { "annotations": { UPGRADE_ANNOTATION: UPGRADE_NOW } } }))
        .await?;
    ponds.all_have("third", &["b"]).await?;
    eventually("two pods of a", PATIENCE, async || {
        let pods = ponds.pods.list(&labelled("a")).await?.items.len();
        ensure!(pods == 2, "{pods}");
        Ok(())
    })
    .await?;
    let third = ponds.of_image("third").await?;
    ensure!(third == named(&["b"]), "wanted only what was asked for, found {third:?}");
    Ok(())
}

fn start(cluster: &Cluster, sidecar: &str) -> Result<Operator> {
    start_with(cluster, sidecar, &[])
}

fn start_with(cluster: &Cluster, sidecar: &str, more: &[&str]) -> Result<Operator> {
    let image = image(sidecar);
    let arguments: Vec<_> = ["--sidecar-image", &image].iter().chain(more).copied().collect();
    Operator::start(&cluster.kubeconfig(), &format!("upgrade-to-{sidecar}.log"), &arguments)
}

fn image(tag: &str) -> String {
    format!("duckduckgoose/sidecar:{tag}")
}

struct Ponds {
    clusters: Api<DuckGooseCluster>,
    sets: Api<StatefulSet>,
    pods: Api<Pod>,
}

impl Ponds {
    /// Waits until all pods of these clusters have this sidecar, and nothing is left to do.
    async fn all_have(&self, tag: &str, ponds: &[&str]) -> Result<()> {
        eventually(&format!("the sidecar {tag} in {ponds:?}"), PATIENCE, async || {
            for name in ponds {
                let pods = self.pods.list(&labelled(name)).await?.items;
                let images: Vec<_> = pods.iter().filter_map(sidecar_image).collect();
                let all = images.iter().all(|found| **found == image(tag));
                ensure!(all && images.len() == 3, "{name} has {images:?}");
                self.tells(name, progressing::COMPLETE).await?;
            }
            Ok(())
        })
        .await
    }

    /// Waits until so many clusters have a pod with this sidecar.
    async fn has_begun(&self, ponds: usize, tag: &str) -> Result<()> {
        eventually(&format!("{ponds} with the sidecar {tag}"), PATIENCE, async || {
            let found = self.of_image(tag).await?;
            ensure!(found.len() >= ponds, "{found:?}");
            Ok(())
        })
        .await
    }

    /// The clusters that have a pod with this sidecar.
    async fn of_image(&self, tag: &str) -> Result<BTreeSet<String>> {
        let pods = self.pods.list(&ListParams::default()).await?.items;
        let with = pods.iter().filter(|pod| sidecar_image(pod) == Some(&image(tag)));
        Ok(with.map(|pod| pod.labels()[CLUSTER_LABEL].clone()).collect())
    }

    async fn geese(&self) -> Result<BTreeMap<String, (Option<String>, Option<i64>)>> {
        let clusters = self.clusters.list(&ListParams::default()).await?;
        let of = |cluster: DuckGooseCluster| {
            let status = cluster.status.clone().unwrap_or_default();
            (cluster.name_any(), (status.goose, status.term))
        };
        Ok(clusters.into_iter().map(of).collect())
    }

    /// Waits until Progressing is so, and returns its message.
    async fn progressing(&self, name: &str, reason: &str) -> Result<String> {
        eventually(&format!("{name} {reason}"), PATIENCE, async || self.tells(name, reason).await)
            .await
    }

    async fn tells(&self, name: &str, reason: &str) -> Result<String> {
        let conditions = self.clusters.get(name).await?.status.unwrap_or_default().conditions;
        let found = conditions.iter().find(|found| found.type_ == condition::PROGRESSING);
        let found = found.with_context(|| format!("{conditions:?}"))?;
        ensure!(found.reason == reason, "{found:?}");
        Ok(found.message.clone())
    }

    async fn forget_origin(&self, name: &str) -> Result<()> {
        let patch = json!({ "metadata": { "annotations": { MADE_FROM: null } } });
        self.sets.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    async fn patch(&self, name: &str, patch: Value) -> Result<()> {
        self.clusters.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }
}

/// The pods in the order in which they were made: each with its cluster and its sidecar.
struct Made {
    pods: Arc<Mutex<Vec<(String, String)>>>,
    _watch: JoinSet<()>,
}

impl Made {
    fn follow(pods: &Api<Pod>) -> Self {
        let made = Arc::new(Mutex::new(Vec::new()));
        let (noted, mut watch) = (made.clone(), JoinSet::new());
        let events = watcher(pods.clone(), watcher::Config::default()).default_backoff();
        watch.spawn(events.touched_objects().for_each(move |pod| {
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            // It goes on by itself after an error.
            if let Ok(pod) = pod {
                let image = sidecar_image(&pod).cloned().unwrap_or_default();
                noted.push((pod.labels()[CLUSTER_LABEL].clone(), image));
            }
            ready(())
        }));
        Self { pods: made, _watch: watch }
    }

    /// Whether each cluster had all its pods made with this sidecar before the next had its first.
    fn took_turns(&self, image: &str) -> Result<()> {
        let made = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        let mut order: Vec<_> =
            made.iter().filter(|(_, with)| with == image).map(|(cluster, _)| cluster).collect();
        order.dedup();
        let one_by_one =
            order.len() == PONDS.len() && order.last().is_some_and(|last| *last == "c");
        ensure!(one_by_one, "wanted one after the other and c at last, found {order:?}");
        Ok(())
    }
}

fn sidecar_image(pod: &Pod) -> Option<&String> {
    let containers = pod.spec.as_ref()?.init_containers.iter().flatten();
    containers.into_iter().find(|it| it.name == SIDECAR_CONTAINER)?.image.as_ref()
}

fn labelled(cluster: &str) -> ListParams {
    ListParams::default().labels(&format!("{CLUSTER_LABEL}={cluster}"))
}

fn named(ponds: &[&str]) -> BTreeSet<String> {
    ponds.iter().map(|name| (*name).to_owned()).collect()
}

const PONDS: [&str; 4] = ["a", "b", "c", "d"];

/// Annotation of a StatefulSet: what the operator made its template from.
const MADE_FROM: &str = "duckduckgoose.dev/made-from";

/// For a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(90);

/// Longer than a cluster takes to be upgraded here.
const WINDOW: Duration = Duration::from_secs(5);
