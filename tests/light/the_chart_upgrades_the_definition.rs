//! `helm upgrade` brings the CustomResourceDefinition up to date, too, and keeps the clusters: helm
//! alone would leave it as it was first installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::DuckGooseCluster;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::DeleteParams;
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use stage::eventually;
use stage::life::{Act, Life};
use stage::theatre::{RELEASE, helm, left_behind};
use testbed::Cluster;

pub async fn test(cluster: &Cluster) -> Result<()> {
    let client = cluster.client().await?;
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    // What all tests install would be in helm's way.
    crds.delete(DEFINITION, &DeleteParams::default()).await?;
    eventually("no definition", PATIENCE, async || {
        ensure!(crds.get_opt(DEFINITION).await?.is_none(), "one");
        Ok(())
    })
    .await?;

    let earlier = earlier_chart()?;
    helm(cluster, &["install", RELEASE, &earlier.display().to_string()]).await?;
    ensure!(!has_history(&crds.get(DEFINITION).await?)?, "wanted an earlier definition");
    let life = Life::begin(&client).await?;
    eventually("a cluster made", PATIENCE, async || life.play(Act::Make).await).await?;
    let before = pond(&client, &life).await?;

    helm(cluster, &["upgrade", RELEASE, CHART]).await?;
    ensure!(has_history(&crds.get(DEFINITION).await?)?, "wanted the definition of this version");
    let after = pond(&client, &life).await?;
    ensure!(before.uid() == after.uid(), "wanted the cluster kept");
    Ok(())
}

/// The chart as it was before there was a history in the status.
fn earlier_chart() -> Result<PathBuf> {
    let folder = left_behind().join("earlier-chart");
    let _ = fs::remove_dir_all(&folder);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(CHART), &folder)?;
    let mut definition = serde_json::to_value(api::crd::crd())?;
    let status = definition.pointer_mut(STATUS).and_then(Value::as_object_mut);
    status.context("wanted a status")?.remove("history").context("wanted a history")?;
    fs::write(folder.join("files/duckgooseclusters.yaml"), definition.to_string())?;
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

fn has_history(definition: &CustomResourceDefinition) -> Result<bool> {
    let definition = serde_json::to_value(definition)?;
    Ok(definition.pointer(STATUS).context("wanted a status")?.get("history").is_some())
}

async fn pond(client: &Client, life: &Life) -> Result<DuckGooseCluster> {
    let clusters: Api<DuckGooseCluster> = Api::namespaced(client.clone(), &life.namespace);
    Ok(clusters.get("pond").await?)
}

const DEFINITION: &str = "duckgooseclusters.duckduckgoose.dev";

/// From the root of the checkout, where helm runs.
const CHART: &str = "charts/duckduckgoose";

const STATUS: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties";

const PATIENCE: Duration = Duration::from_secs(30);
