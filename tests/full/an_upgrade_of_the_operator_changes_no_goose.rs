//! `helm upgrade` to values that concern the operator alone, and `helm rollback`: the Goose is the same
//! one in the same term throughout, and no pod is made anew.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use stage::{Stage, Wanted, release};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    let before = pods(stage).await?;

    let upgraded = release::upgrade(stage.cluster(), "log.level=debug").await;
    // Whatever became of it: others want the operator as it was.
    release::rollback(stage.cluster()).await?;
    upgraded?;

    let after = pond.settled(3).await?;
    ensure!(after.term == goose.term, "wanted {goose:?} to go on, found {after:?}");
    ensure!(pods(stage).await? == before, "wanted the same pods");
    let reigns = pond.judge()?.reigns();
    ensure!(reigns.len() == 1, "wanted one Goose in one term, found {reigns:?}");
    Ok(())
}

/// Their uids, in order.
async fn pods(stage: &Stage) -> Result<Vec<Option<String>>> {
    let pods = stage.all::<Pod>().list(&ListParams::default()).await?;
    let mut uids: Vec<_> = pods.iter().map(ResourceExt::uid).collect();
    uids.sort();
    Ok(uids)
}
