//! The API server is down for three leases: the Goose becomes a Duck, and no pod becomes unready, so
//! that none leaves a Service.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::names::CLUSTER_LABEL;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::{ListParams, PostParams};
use serde_json::json;
use stage::{Stage, Wanted, eventually, fault};
use tokio::time::sleep;

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3);
    let (pond, goose) = stage.pond(&wanted).await?;
    let service = json!({
        "metadata": { "name": SERVICE },
        "spec": { "selector": { CLUSTER_LABEL: "pond" }, "ports": [{ "port": 4040 }] },
    });
    let services = stage.all::<Service>();
    services.create(&PostParams::default(), &serde_json::from_value(service)?).await?;
    let in_service = eventually("three pods in service", stage::pond::SETTLING, async || {
        let found = slices(stage).await?;
        ensure!(found.values().flat_map(|(_, ready)| ready).count() == 3, "{found:?}");
        Ok(found)
    })
    .await?;
    let ready = ready_since(stage).await?;

    let three_leases = async {
        sleep(3 * wanted.lease).await;
        Ok(())
    };
    fault::outage(stage.cluster(), three_leases).await?;
    pond.goose_after(&goose).await?;
    pond.settled(3).await?;
    sleep(KUBELETS_HAVE_REPORTED).await;
    let found = ready_since(stage).await?;
    ensure!(found == ready, "wanted all ready as before: {ready:?}, found {found:?}");
    let found = slices(stage).await?;
    ensure!(found == in_service, "wanted in service: {in_service:?}, found {found:?}");
    pond.judge()?;
    Ok(())
}

/// Since when each pod is ready, as its kubelet has it, who counts on while the API server is down.
async fn ready_since(stage: &Stage) -> Result<BTreeMap<String, Time>> {
    let pods = stage.all::<Pod>().list(&ListParams::default()).await?;
    let since = pods.iter().map(|pod| {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let mut ready = conditions.filter(|found| found.type_ == "Ready" && found.status == "True");
        let since = ready.next().and_then(|ready| ready.last_transition_time.clone());
        Ok((pod.name_any(), since.with_context(|| format!("{} is not ready", pod.name_any()))?))
    });
    since.collect()
}

/// Generation of each slice of the Service, which rises with each change, and the addresses that are
/// ready in it.
async fn slices(stage: &Stage) -> Result<BTreeMap<String, (Option<i64>, Vec<String>)>> {
    let of_it = ListParams::default().labels(&format!("kubernetes.io/service-name={SERVICE}"));
    let slices = stage.all::<EndpointSlice>().list(&of_it).await?;
    let is_ready = |ready: Option<bool>| ready.unwrap_or(true);
    let seen = slices.iter().map(|slice| {
        let endpoints = slice.endpoints.iter().flatten();
        let ready = endpoints.filter(|endpoint| {
            is_ready(endpoint.conditions.as_ref().and_then(|conditions| conditions.ready))
        });
        let addresses = ready.flat_map(|endpoint| endpoint.addresses.clone()).collect();
        (slice.name_any(), (slice.metadata.generation, addresses))
    });
    Ok(seen.collect())
}

const SERVICE: &str = "everybody";

/// A kubelet tries every 10 s to write what it could not.
const KUBELETS_HAVE_REPORTED: Duration = Duration::from_secs(12);
