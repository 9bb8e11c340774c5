//! A template whose pods do not come up: one Duck is lost to it, and no more. A condition and an
//! Event say which pod it is and why; the Goose is untouched; and all goes on by itself once the
//! template is mended.

use anyhow::{Result, ensure};
use api::status::{condition, progressing};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    run_image(stage, "duckduckgoose/Nowhere:1").await?;
    let says = pond.condition(condition::PROGRESSING, "False", progressing::POD_NOT_READY).await?;
    ensure!(says.contains("pond-") && says.contains("duckduckgoose/Nowhere:1"), "{says}");
    stage::eventually("an Event", stage::pond::SETTLING, async || {
        let warnings = "get events --field-selector=involvedObject.name=pond,type=Warning";
        let events = stage.kubectl(warnings).await?;
        ensure!(events.contains(progressing::POD_NOT_READY), "{events}");
        Ok(())
    })
    .await?;
    let ready = pond.object().await?.status.unwrap_or_default().ready_replicas;
    ensure!(ready == 2, "wanted one Duck lost and no more, found {ready} ready");

    run_image(stage, "busybox:stable").await?;
    pond.condition(condition::PROGRESSING, "False", progressing::COMPLETE).await?;
    let found = pond.settled(3).await?;
    ensure!(found.term == goose.term, "wanted {goose:?} to go on, found {found:?}");
    let reigns = pond.judge()?.reigns();
    ensure!(reigns.len() == 1, "wanted one Goose all the time, found {reigns:?}");
    Ok(())
}

async fn run_image(stage: &Stage, image: &str) -> Result<()> {
    let place = "/spec/template/spec/containers/0/image";
    let patch = format!(r#"[{{"op":"replace","path":"{place}","value":"{image}"}}]"#);
    stage.kubectl(&format!("patch dgc pond --type=json --patch={patch}")).await.map(drop)
}
