//! One member's processes, and its pod.

use anyhow::Result;
use api::names::SIDECAR_CONTAINER;
use k8s_openapi::api::core::v1::Pod;
use kube::api::DeleteParams;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use crate::scene::Scene;
use crate::schedule::Planned;

pub(super) async fn kill(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    Ok(scene.pod(&victim.pod)?.kill(SIDECAR_CONTAINER)?)
}

pub(super) async fn kill_all(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    Ok(scene.pod(&victim.pod)?.kill_all()?)
}

pub(super) async fn crash_loop(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    let pod = scene.pod(&victim.pod)?;
    pod.kill(SIDECAR_CONTAINER)?;
    let end = Instant::now() + planned.lasts.max(LOOP);
    while Instant::now() < end {
        sleep(BETWEEN_LOOKS).await;
        // It does not run at most times.
        let _ = pod.kill(SIDECAR_CONTAINER);
    }
    Ok(())
}

pub(super) async fn freeze(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    let pod = scene.pod(&victim.pod)?;
    gather_a_crowd(planned, scene, &victim.pod).await;
    pod.freeze(SIDECAR_CONTAINER)?;
    sleep(planned.lasts).await;
    Ok(pod.thaw(SIDECAR_CONTAINER)?)
}

pub(super) async fn pause(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    let pod = scene.pod(&victim.pod)?;
    gather_a_crowd(planned, scene, &victim.pod).await;
    pod.freeze_cgroup(SIDECAR_CONTAINER)?;
    sleep(planned.lasts).await;
    Ok(pod.thaw_cgroup(SIDECAR_CONTAINER)?)
}

/// Connects many to whom is about to be frozen. They ask shortly before it wakes.
async fn gather_a_crowd(planned: &Planned, scene: &Scene<'_>, pod: &str) {
    let later = UNTIL_CONNECTED + planned.lasts.saturating_sub(ASKS_BEFORE);
    scene.observer.crowd_later(pod, CROWD, later, ASKS_BEFORE + STAYS);
    sleep(UNTIL_CONNECTED).await;
}

pub(super) async fn throttle(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    let pod = scene.pod(&victim.pod)?;
    pod.throttle(SIDECAR_CONTAINER, 1)?;
    sleep(planned.lasts).await;
    // The kubelet may have killed it, because it did not answer: then there is nothing to heal.
    let _ = pod.unthrottle(SIDECAR_CONTAINER);
    Ok(())
}

pub(super) async fn delete(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    scene.all::<Pod>().delete(&victim.pod, &DeleteParams::default()).await?;
    Ok(())
}

/// Connections of 200 questions a second, beside the observer's own: 1 kHz in all.
const CROWD: usize = 4;

const UNTIL_CONNECTED: Duration = Duration::from_millis(100);

const ASKS_BEFORE: Duration = Duration::from_millis(200);

const STAYS: Duration = Duration::from_millis(800);

/// A crash-looping container runs for the second time after about a second, for the third after ten.
const LOOP: Duration = Duration::from_secs(4);

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
