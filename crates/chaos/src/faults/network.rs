//! One node's network, or one pod's.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::api::DeleteParams;
use testbed::{Node, Packets};
use tokio::time::{Instant, sleep};

use crate::scene::Scene;
use crate::schedule::Planned;

pub(super) async fn cut(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let node = scene.node(&scene.victim(planned)?)?;
    node.cut()?;
    sleep(planned.lasts).await;
    Ok(node.heal()?)
}

pub(super) async fn deafen(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    drop_packets(scene.node(&scene.victim(planned)?)?, Packets::Incoming, planned.lasts).await
}

pub(super) async fn mute(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    drop_packets(scene.node(&scene.victim(planned)?)?, Packets::Outgoing, planned.lasts).await
}

pub(super) async fn black_hole(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    drop_packets(scene.node(&victim)?, Packets::OfPod(victim.address), planned.lasts).await
}

async fn drop_packets(node: Node, packets: Packets, lasts: Duration) -> Result<()> {
    node.drop_packets(packets)?;
    sleep(lasts).await;
    Ok(node.pass_packets(packets)?)
}

pub(super) async fn flap(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let node = scene.node(&scene.victim(planned)?)?;
    let end = Instant::now() + planned.lasts * 2;
    while Instant::now() < end {
        node.cut()?;
        sleep(HALF_A_SECOND).await;
        node.heal()?;
        sleep(HALF_A_SECOND).await;
    }
    Ok(())
}

/// The pod is made anew under the same name while the process of its predecessor lives on.
pub(super) async fn force_delete(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    let node = scene.node(&victim)?;
    node.cut()?;
    let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    let pods = scene.all::<Pod>();
    // Bounded: the API server may be the one that cannot be reached.
    let deleted = tokio::time::timeout(planned.lasts, pods.delete(&victim.pod, &at_once)).await;
    sleep(planned.lasts).await;
    node.heal()?;
    deleted??;
    Ok(())
}

const HALF_A_SECOND: Duration = Duration::from_millis(500);
