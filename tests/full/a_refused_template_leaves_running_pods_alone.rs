//! A template that only the StatefulSet can judge and refuses: a condition and an Event say so, the
//! running pods are untouched, and all is well once it is mended. The oldest Kubernetes refuses it too
//! late: one Duck is lost to it, and no more.

use std::time::Duration;

use anyhow::{Result, ensure};
use api::status::{condition, reconciled};
use stage::pond::Pond;
use stage::{Stage, Wanted, eventually};
use testbed::Release;

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(2).with_default_lease()).await?;
    let mount = r#"[{"name":"nowhere","mountPath":"/data"}]"#;
    let place = "/spec/template/spec/containers/0/volumeMounts";
    patch(stage, &format!(r#"[{{"op":"add","path":"{place}","value":{mount}}}]"#)).await?;
    match stage.cluster().kubernetes() {
        Release::Current => {
            is_refused(stage, &pond).await?;
            let found = pond.settled(2).await?;
            ensure!(found.term == goose.term, "wanted {goose:?} to go on, found {found:?}");
        }
        Release::Oldest => costs_one_duck(stage, &pond).await?,
    }

    patch(stage, &format!(r#"[{{"op":"remove","path":"{place}"}}]"#)).await?;
    pond.condition(condition::RECONCILED, "True", reconciled::UP_TO_DATE).await?;
    let found = pond.settled(2).await?;
    ensure!(found.term == goose.term, "wanted {goose:?} to go on, found {found:?}");
    let reigns = pond.judge()?.reigns();
    ensure!(reigns.len() == 1, "wanted one Goose all the time, found {reigns:?}");
    Ok(())
}

async fn is_refused(stage: &Stage, pond: &Pond<'_>) -> Result<()> {
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
    .await
}

/// It takes such a StatefulSet, and refuses the pods that are made from it.
async fn costs_one_duck(stage: &Stage, pond: &Pond<'_>) -> Result<()> {
    eventually("the first new pod refused", PATIENCE, async || {
        let events = stage.kubectl("get events --field-selector=reason=FailedCreate").await?;
        ensure!(events.contains("nowhere"), "{events}");
        Ok(())
    })
    .await?;
    let ready = pond.object().await?.status.unwrap_or_default().ready_replicas;
    ensure!(ready == 1, "wanted one Duck lost and no more, found {ready} ready");
    Ok(())
}

/// The patch has no blanks in it.
async fn patch(stage: &Stage, patch: &str) -> Result<()> {
    stage.kubectl(&format!("patch dgc pond --type=json --patch={patch}")).await.map(drop)
}

const PATIENCE: Duration = Duration::from_secs(20);
