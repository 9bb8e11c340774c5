//! `helm upgrade` to another sidecar, and `helm rollback`: pods of both versions are members of one
//! cluster meanwhile, the role moves once each time, in good order, and there are never two Geese.

use anyhow::{Result, ensure};
use api::status::goose_change::HANDED_OVER;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use stage::pond::SETTLING;
use stage::{Pond, Stage, Wanted, eventually, release};

pub async fn test(stage: &Stage) -> Result<()> {
    release::load_sidecar_as(stage.cluster(), NEXT).await?;
    let (pond, _) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;

    let began = pond.observer.now();
    let upgraded = async {
        release::upgrade(stage.cluster(), &format!("sidecar.image.tag={NEXT}")).await?;
        all_have(stage, &pond, NEXT).await
    };
    let upgraded = upgraded.await;
    stage.figure("three pods have another sidecar after", pond.observer.now() - began);
    // Whatever became of it: others want the operator as it was.
    release::rollback(stage.cluster()).await?;
    upgraded?;
    all_have(stage, &pond, env!("CARGO_PKG_VERSION")).await?;

    let status = pond.object().await?.status.unwrap_or_default();
    let ends: Vec<_> = status.history.iter().take(2).map(|it| it.reason.as_str()).collect();
    ensure!(ends == [HANDED_OVER; 2], "wanted two hand-overs, found {ends:?}");
    let history = pond.judge()?;
    let reigns = history.reigns();
    ensure!(reigns.len() == 3, "wanted the role to move once each time, found {reigns:?}");
    for gap in history.gaps() {
        stage.figure("nobody was Goose for", gap.length());
    }
    Ok(())
}

/// Waits until three pods have the sidecar of this tag, and one of them is Goose.
async fn all_have(stage: &Stage, pond: &Pond<'_>, tag: &str) -> Result<()> {
    let wanted = format!("duckduckgoose/sidecar:{tag}");
    eventually(&format!("three pods with {wanted}"), 2 * SETTLING, async || {
        let pods = stage.all::<Pod>().list(&ListParams::default()).await?;
        let images: Vec<_> = pods.iter().flat_map(sidecars).collect();
        ensure!(images.len() == 3 && images.iter().all(|it| *it == wanted), "found {images:?}");
        Ok(())
    })
    .await?;
    pond.settled(3).await.map(drop)
}

fn sidecars(pod: &Pod) -> impl Iterator<Item = String> {
    let containers = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    let images = containers.filter_map(|container| container.image.clone());
    images.filter(|image| image.contains("duckduckgoose/sidecar:"))
}

/// A tag that no release has.
const NEXT: &str = "next";
