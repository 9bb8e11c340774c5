//! A template that only the StatefulSet can judge and refuses: a condition and an Event say so, the
//! running pods are untouched, and all is well once it is mended.

use std::time::Duration;

use anyhow::{Result, ensure};
use api::status::{condition, reconciled};
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(2).with_default_lease()).await?;
    let mount = r#"[{"name":"nowhere","mountPath":"/data"}]"#;
    let place = "/spec/template/spec/containers/0/volumeMounts";
    patch(stage, &format!(r#"[{{"op":"add","path":"{place}","value":{mount}}}]"#)).await?;
    let refused = reconciled::OBJECT_REFUSED;
    let says = pond.condition(condition::RECONCILED, "False", refused).await?;
    ensure!(says.contains("nowhere"), "{says}");
    eventually("an Event", PATIENCE, async || {
        let words =
            "get events --field-selector=involvedObject.name=pond,type=Warning --output=wide";
        let events = stage.kubectl(words).await?;
        ensure!(events.contains(refused) && events.contains("nowhere"), "{events}");
        Ok(())
    })
    .await?;
    let found = pond.settled(2).await?;
    ensure!(found.term == goose.term, "wanted {goose:?} to go on, found {found:?}");

    patch(stage, &format!(r#"[{{"op":"remove","path":"{place}"}}]"#)).await?;
    pond.condition(condition::RECONCILED, "True", reconciled::UP_TO_DATE).await?;
    let found = pond.settled(2).await?;
    ensure!(found.term == goose.term, "wanted {goose:?} to go on, found {found:?}");
    let reigns = pond.judge()?.reigns();
    ensure!(reigns.len() == 1, "wanted one Goose all the time, found {reigns:?}");
    Ok(())
}

/// The patch has no blanks in it.
async fn patch(stage: &Stage, patch: &str) -> Result<()> {
    stage.kubectl(&format!("patch dgc pond --type=json --patch={patch}")).await.map(drop)
}

const PATIENCE: Duration = Duration::from_secs(20);
