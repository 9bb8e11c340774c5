//! The Service of the Goose leads to its pod, moves with the role in one write, and leads to nobody
//! once there is no Goose.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::names::{TERM_ANNOTATION, goose_service};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use observer::Goose;
use stage::{Stage, Wanted, eventually};
use tokio::time::sleep;

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3)).await?;
    leads_to(stage, Some(&goose)).await?;
    let service = stage.all::<Service>().get(&goose_service(&pond.name)).await?;
    let spec = service.spec.context("wanted a spec")?;
    ensure!(spec.selector.is_none(), "wanted no selector, found {:?}", spec.selector);
    ensure!(spec.cluster_ip.is_some_and(|ip| ip != "None"), "wanted an address of its own");

    // The operator goes by a death only where it has seen the dead one renew.
    sleep(Duration::from_secs(1)).await;
    stage.kubelet().kill(&goose.pod)?;
    let next = pond.goose_after(&goose).await?;
    leads_to(stage, Some(&next)).await?;
    stage.figure("the Service moved within", pond.observer.now() - next.at);

    stage.kubectl("scale duckgoosecluster pond --replicas=0").await?;
    leads_to(stage, None).await?;
    pond.judge()?;
    Ok(())
}

/// Waits until the Service leads to this one, in its term, and checks each look on the way.
async fn leads_to(stage: &Stage, goose: Option<&Goose>) -> Result<()> {
    let slices: Api<EndpointSlice> = stage.all();
    let ours = ListParams::default().labels("kubernetes.io/service-name=pond-goose");
    eventually("the Service of the Goose to lead to it alone", PATIENCE, async || {
        let found = slices.list(&ours).await?;
        let pods: Vec<String> = found.iter().flat_map(pods_of).collect();
        let wanted: Vec<String> = goose.map(|goose| goose.uid.to_string()).into_iter().collect();
        ensure!(pods == wanted, "it leads to {pods:?} and not to {wanted:?}");
        let term = found.iter().find_map(|slice| slice.annotations().get(TERM_ANNOTATION).cloned());
        ensure!(term == goose.map(|goose| goose.term.to_string()), "it is of term {term:?}");
        Ok(())
    })
    .await
}

fn pods_of(slice: &EndpointSlice) -> Vec<String> {
    let endpoints = slice.endpoints.iter().flatten();
    endpoints.filter_map(|endpoint| endpoint.target_ref.as_ref()?.uid.clone()).collect()
}

const PATIENCE: Duration = Duration::from_secs(20);
