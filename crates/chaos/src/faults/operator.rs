//! The operator.

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::time::sleep;

use super::insist;
use crate::scene::Scene;
use crate::schedule::Planned;

pub(super) async fn leave(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    scale(scene, 0).await?;
    sleep(planned.lasts).await;
    insist(async || scale(scene, REPLICAS).await).await?;
    insist(async || {
        let status = deployments(scene).get(NAME).await?.status.unwrap_or_default();
        let ready = status.ready_replicas.unwrap_or_default();
        ensure!(ready == REPLICAS, "wanted {REPLICAS} ready operators, found {ready}");
        Ok(())
    })
    .await
}

/// For long enough that another works by then.
pub(super) async fn freeze(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(scene.client.clone(), NAMESPACE);
    let leader = leases.get(LEASE).await?.spec.and_then(|spec| spec.holder_identity);
    let leader = leader.filter(|leader| !leader.is_empty()).context("wanted a working operator")?;
    let pod = scene.cluster.pod(NAMESPACE, &leader)?;
    if pod.containers().is_empty() {
        bail!("wanted the containers of {leader}, found none");
    }
    pod.freeze(CONTAINER)?;
    sleep(planned.lasts * 3).await;
    Ok(pod.thaw(CONTAINER)?)
}

async fn scale(scene: &Scene<'_>, replicas: i32) -> Result<()> {
    let scale = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    deployments(scene).patch(NAME, &PatchParams::default(), &scale).await?;
    Ok(())
}

fn deployments(scene: &Scene<'_>) -> Api<Deployment> {
    Api::namespaced(scene.client.clone(), NAMESPACE)
}

/// As the chart has them, where `cargo xtask` installs it.
pub(crate) const NAMESPACE: &str = "duckduckgoose-system";

const NAME: &str = "duckduckgoose";

pub(super) const CONTAINER: &str = "operator";

const LEASE: &str = "operator.duckduckgoose.dev";

const REPLICAS: i32 = 2;
