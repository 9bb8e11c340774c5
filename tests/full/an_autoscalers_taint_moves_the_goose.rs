//! An autoscaler is about to empty the Goose's node: its taint moves the role as a cordon does, and then
//! an eviction of the pod is granted.

use anyhow::{Context, Result};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    let node = pond.observer.look(|seen| seen.member(&goose.pod)?.node.clone());
    let node = node.context("wanted the Goose's node")?;

    stage.kubectl(&format!("taint node {node} {TAINT}:NoSchedule")).await?;
    let moved = pond.goose_after(&goose).await;
    let evicted = match moved {
        Ok(_) => stage.evict(&goose.pod).await,
        Err(late) => Err(late),
    };
    stage.kubectl(&format!("taint node {node} {TAINT}-")).await?;
    evicted?;

    let next = pond.settled(3).await?;
    pond.was_handed_over_to(&next).await?;
    pond.judge()?;
    Ok(())
}

/// Karpenter's.
const TAINT: &str = "karpenter.sh/disrupted";
