//! The API server and etcd.

use std::time::Duration;

use anyhow::{Context, Result};
use election::timing::Timing;
use testbed::{Component, Detour};
use tokio::time::{Instant, sleep};

use crate::scene::{Scene, index};
use crate::schedule::Planned;

pub(super) async fn kill(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    kill_for_a_while(&[scene.cluster.apiserver()], planned).await
}

pub(super) async fn kill_etcd(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    kill_for_a_while(&scene.cluster.etcd_members(), planned).await
}

/// The others go on as they were.
pub(super) async fn kill_etcd_follower(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let leader = etcd_leader(scene).await?;
    let members = scene.cluster.etcd_members();
    let followers: Vec<_> =
        members.into_iter().filter(|member| member.name() != leader.name()).collect();
    let follower = followers.get(index(planned.pick, followers.len()));
    let follower = follower.context("wanted a follower in etcd, found one member")?;
    kill_for_a_while(std::slice::from_ref(follower), planned).await
}

/// The others elect another before anything is written again.
pub(super) async fn kill_etcd_leader(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    kill_for_a_while(&[etcd_leader(scene).await?], planned).await
}

async fn etcd_leader(scene: &Scene<'_>) -> Result<Component> {
    scene.cluster.etcd_leader().await.context("wanted a leader of etcd, found none")
}

async fn kill_for_a_while(components: &[Component], planned: &Planned) -> Result<()> {
    for component in components {
        component.kill().await?;
    }
    sleep(planned.lasts).await;
    for component in components {
        component.start().await?;
    }
    Ok(())
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
    let members = scene.cluster.etcd_members();
    let end = Instant::now() + planned.lasts;
    while Instant::now() < end {
        members.iter().try_for_each(Component::freeze)?;
        sleep(ETCD_STANDS).await;
        members.iter().try_for_each(Component::thaw)?;
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
