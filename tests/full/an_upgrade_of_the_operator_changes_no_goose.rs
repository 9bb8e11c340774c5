//! `helm upgrade` to values that concern the operator alone, and `helm rollback`: the Goose is the same
//! one in the same term throughout, and no pod is made anew.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use stage::theatre::{FAULTS_ARE_LET_PASS, OPERATOR_NAMESPACE, RELEASE, helm};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    let before = pods(stage).await?;

    let upgraded = upgrade(stage).await;
    // Whatever became of it: others want the operator as it was.
    rollback(stage).await?;
    upgraded?;

    let after = pond.settled(3).await?;
    ensure!(after.term == goose.term, "wanted {goose:?} to go on, found {after:?}");
    ensure!(pods(stage).await? == before, "wanted the same pods");
    let reigns = pond.judge()?.reigns();
    ensure!(reigns.len() == 1, "wanted one Goose in one term, found {reigns:?}");
    Ok(())
}

async fn upgrade(stage: &Stage) -> Result<()> {
    let words = ["upgrade", RELEASE, "charts/duckduckgoose", "--namespace", OPERATOR_NAMESPACE];
    let other = ["--set", FAULTS_ARE_LET_PASS, "--set", "log.level=debug"];
    helm(stage.cluster(), &[&words[..], &other, &PATIENTLY].concat()).await.map(drop)
}

async fn rollback(stage: &Stage) -> Result<()> {
    let words = ["rollback", RELEASE, "--namespace", OPERATOR_NAMESPACE];
    helm(stage.cluster(), &[&words[..], &PATIENTLY].concat()).await.map(drop)
}

/// Their uids, in order.
async fn pods(stage: &Stage) -> Result<Vec<Option<String>>> {
    let pods = stage.all::<Pod>().list(&ListParams::default()).await?;
    let mut uids: Vec<_> = pods.iter().map(ResourceExt::uid).collect();
    uids.sort();
    Ok(uids)
}

/// Until the new operator is ready.
const PATIENTLY: [&str; 3] = ["--wait", "--timeout", "2m"];
