//! A template that only the StatefulSet can judge and refuses: a condition and an Event say so, the
//! running pods are untouched, and all is well once it is mended.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::status::{condition, reconciled};
use stage::{Pond, Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(2).with_default_lease()).await?;
    let mount = r#"[{"name":"nowhere","mountPath":"/data"}]"#;
    let place = "/spec/template/spec/containers/0/volumeMounts";
    patch(stage, &format!(r#"[{{"op":"add","path":"{place}","value":{mount}}}]"#)).await?;
    reconciled_says(&pond, "False", reconciled::OBJECT_REFUSED, "nowhere").await?;
    eventually("an Event", PATIENCE, async || {
        let words =
            "get events --field-selector=involvedObject.name=pond,type=Warning --output=wide";
        let events = stage.kubectl(words).await?;
        ensure!(
            events.contains(reconciled::OBJECT_REFUSED) && events.contains("nowhere"),
            "{events}"
        );
        Ok(())
    })
    .await?;
    let found = pond.settled(2).await?;
    ensure!(found.term == goose.term, "wanted {goose:?} to go on, found {found:?}");

    patch(stage, &format!(r#"[{{"op":"remove","path":"{place}"}}]"#)).await?;
    reconciled_says(&pond, "True", reconciled::UP_TO_DATE, "").await?;
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

async fn reconciled_says(pond: &Pond<'_>, status: &str, reason: &str, says: &str) -> Result<()> {
    let wanted = format!("the condition Reconciled {status} by {reason}");
    eventually(&wanted, PATIENCE, async || {
        let conditions = pond.object().await?.status.unwrap_or_default().conditions;
        let found = conditions.iter().find(|found| found.type_ == condition::RECONCILED);
        let found = found.with_context(|| format!("{conditions:?}"))?;
        let as_wanted = found.status == status && found.reason == reason;
        ensure!(as_wanted && found.message.contains(says), "{found:?}");
        Ok(())
    })
    .await
}

const PATIENCE: Duration = Duration::from_secs(20);
