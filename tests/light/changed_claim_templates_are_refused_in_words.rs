//! Claim templates are changed, which Kubernetes lets nobody do: a condition says so, the running
//! pods stay, and the operator does not try for ever. All is well once they are as before.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::DuckGooseCluster;
use api::status::{condition, reconciled};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use stage::interposer::Mischief;
use stage::life::{Act, Life};
use stage::puppets::Puppets;
use stage::{Interposed, Wanted, eventually};
use testbed::Cluster;
use tokio::time::sleep;

pub async fn test(cluster: &Cluster) -> Result<()> {
    let client = cluster.client().await?;
    let _puppets = Puppets::play(client.clone());
    let life = Life::begin(&client).await?;
    let operator = Interposed::start(&client, Mischief::default(), &life.namespace).await?;
    let clusters = Api::<DuckGooseCluster>::namespaced(client.clone(), &life.namespace);
    let pods = Api::<Pod>::namespaced(client.clone(), &life.namespace);
    let wanted = Wanted::pods(3).with("volumeClaimTemplates", claims("1Gi"));
    clusters.create(&PostParams::default(), &serde_json::from_value(wanted.object())?).await?;
    eventually("a cluster", PATIENCE, async || life.has_come_about(Act::Make).await).await?;
    let before = uids(&pods).await?;

    change(&clusters, claims("2Gi")).await?;
    let says = is_reconciled(&clusters, "False", reconciled::OBJECT_REFUSED).await?;
    ensure!(says.contains("StatefulSet pond"), "wanted the StatefulSet named, found {says}");
    eventually("an operator at rest", PATIENCE, async || {
        ensure!(operator.rests().await, "it writes");
        Ok(())
    })
    .await?;
    let written = operator.interposer.writes().len();
    sleep(WINDOW).await;
    let writes = operator.interposer.writes().len() - written;
    ensure!(writes == 0, "wanted no more tries in {WINDOW:?}, found {writes} writes");

    change(&clusters, claims("1Gi")).await?;
    is_reconciled(&clusters, "True", reconciled::UP_TO_DATE).await?;
    let after = uids(&pods).await?;
    ensure!(after == before, "wanted the pods untouched, found {after:?} for {before:?}");
    drop(operator);
    life.end().await
}

fn claims(size: &str) -> Value {
    let resources = json!({ "requests": { "storage": size } });
    let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": resources });
    json!([{ "metadata": { "name": "data" }, "spec": spec }])
}

async fn change(clusters: &Api<DuckGooseCluster>, claims: Value) -> Result<()> {
    let patch = json!({ "spec": { "volumeClaimTemplates": claims } });
    clusters.patch("pond", &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}

/// Waits until the condition is so, and returns its message.
async fn is_reconciled(
    clusters: &Api<DuckGooseCluster>,
    status: &str,
    reason: &str,
) -> Result<String> {
    eventually(&format!("Reconciled {status} by {reason}"), PATIENCE, async || {
        let conditions = clusters.get("pond").await?.status.unwrap_or_default().conditions;
        let found = conditions.iter().find(|found| found.type_ == condition::RECONCILED);
        let found = found.with_context(|| format!("{conditions:?}"))?;
        ensure!(found.status == status && found.reason == reason, "{found:?}");
        Ok(found.message.clone())
    })
    .await
}

async fn uids(pods: &Api<Pod>) -> Result<BTreeSet<Option<String>>> {
    Ok(pods.list(&ListParams::default()).await?.iter().map(|pod| pod.uid()).collect())
}

/// For a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Many times longer than an operator waits that tries again after an error.
const WINDOW: Duration = Duration::from_secs(15);
