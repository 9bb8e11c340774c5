//! The API server and etcd.

use std::time::Duration;

use anyhow::Result;
use election::timing::Timing;
use testbed::{Component, Detour};
use tokio::time::{Instant, sleep};

use crate::scene::Scene;
use crate::schedule::Planned;

pub(super) async fn kill(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    kill_for_a_while(&scene.cluster.apiserver(), planned).await
}

pub(super) async fn kill_etcd(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    kill_for_a_while(&scene.cluster.etcd(), planned).await
}

async fn kill_for_a_while(component: &Component, planned: &Planned) -> Result<()> {
    component.kill().await?;
    sleep(planned.lasts).await;
    Ok(component.start().await?)
}

pub(super) async fn freeze(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    scene.cluster.apiserver().freeze()?;
    sleep(planned.lasts).await;
    Ok(scene.cluster.apiserver().thaw()?)
}

pub(super) async fn restart(scene: &Scene<'_>) -> Result<()> {
    scene.cluster.apiserver().stop().await?;
    Ok(scene.cluster.apiserver().start().await?)
}

pub(super) async fn slow_etcd(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let etcd = scene.cluster.etcd();
    let end = Instant::now() + planned.lasts;
    while Instant::now() < end {
        etcd.freeze()?;
        sleep(ETCD_STANDS).await;
        etcd.thaw()?;
        sleep(ETCD_RUNS).await;
    }
    Ok(())
}

/// Nine tenths of what an attempt may take: the answers to all calls come in time, if only just. To
/// one member, or to all pods: where the Ducks hear late of a renewal they also wait longer.
pub(super) async fn delay_answers(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let timing = Timing::new(scene.lease, scene.lease / 3)?;
    let victim = scene.victim(planned)?;
    let whose = planned.pick.is_multiple_of(2).then_some(victim.address);
    let detour = Detour::begin(scene.cluster, whose, timing.attempt() * 9 / 10)?;
    sleep(planned.lasts * 2).await;
    Ok(detour.end()?)
}

const ETCD_STANDS: Duration = Duration::from_millis(200);

const ETCD_RUNS: Duration = Duration::from_millis(50);
