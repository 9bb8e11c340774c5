//! What a user wants, again and again.

use std::time::Duration;

use anyhow::{Context, Result};
use api::names::HANDOVER_ANNOTATION;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::insist;
use crate::scene::{Scene, index};
use crate::schedule::Planned;

pub(super) async fn hand_over(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let end = Instant::now() + planned.lasts * 2;
    let mut pick = planned.pick;
    while Instant::now() < end {
        let to = scene.observer.look(|seen| {
            let (goose, members) = (seen.goose(), seen.members());
            let is_goose = |pod: &str| goose.as_ref().is_some_and(|goose| *goose.pod == *pod);
            let ducks: Vec<_> = members.iter().filter(|member| !is_goose(&member.pod)).collect();
            ducks.get(index(pick, ducks.len())).map(|member| member.pod.to_string())
        });
        let to = to.context("wanted a Duck to hand over to, found none")?;
        scene.wish(json!({ "metadata": { "annotations": { HANDOVER_ANNOTATION: to } } })).await?;
        pick = pick.rotate_right(3);
        sleep(BETWEEN_WISHES).await;
    }
    Ok(())
}

pub(super) async fn scale(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let end = Instant::now() + planned.lasts * 2;
    let mut pick = planned.pick;
    while Instant::now() < end {
        scene.wish(replicas(1 + index(pick, MOST_MEMBERS))).await?;
        pick = pick.rotate_right(3);
        sleep(BETWEEN_WISHES).await;
    }
    insist(async || scene.wish(replicas(scene.members)).await).await
}

pub(super) async fn roll_out(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let annotations = json!({ "chaos": planned.pick.to_string() });
    scene
        .wish(json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } }))
        .await?;
    sleep(planned.lasts * 2).await;
    Ok(())
}

fn replicas(count: usize) -> serde_json::Value {
    json!({ "spec": { "replicas": count } })
}

const MOST_MEMBERS: usize = 7;

const BETWEEN_WISHES: Duration = Duration::from_millis(700);
