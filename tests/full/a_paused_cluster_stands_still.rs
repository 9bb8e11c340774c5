//! `spec.paused`: a changed template replaces no pod, and when the Goose's pod is deleted, nobody
//! takes over. Unpaused, there is a Goose again, and the template is brought to all pods.

use anyhow::{Result, ensure};
use api::status::{available, condition, paused, progressing};
use observer::Seen;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3).with("update", serde_json::json!({ "minReadySeconds": 0 }));
    let (pond, goose) = stage.pond(&wanted).await?;
    patch(stage, r#"{"spec":{"paused":true}}"#).await?;
    pond.condition(condition::PAUSED, "True", paused::PAUSED_BY_SPEC).await?;

    let labelled = r#"{"spec":{"template":{"metadata":{"labels":{"feathers":"white"}}}}}"#;
    patch(stage, labelled).await?;
    pond.condition(condition::PROGRESSING, "True", progressing::PODS_CHANGING).await?;
    stage.kubectl(&format!("delete pod {}", goose.pod)).await?;
    // This one comes after a whole lease without a Goose, in which any other would have taken over.
    pond.condition(condition::AVAILABLE, "False", available::NO_GOOSE).await?;
    let found = pond.observer.look(Seen::goose);
    ensure!(found.is_none(), "wanted nobody to take over, found {found:?}");
    let old = "get pods --selector=duckduckgoose.dev/cluster=pond,feathers!=white --output=name";
    let old = stage.kubectl(old).await?;
    ensure!(old.lines().count() == 2, "wanted two pods left as they are, found {old:?}");

    patch(stage, r#"{"spec":{"paused":false}}"#).await?;
    pond.goose_after(&goose).await?;
    pond.condition(condition::PROGRESSING, "False", progressing::COMPLETE).await?;
    pond.settled(3).await?;
    pond.judge()?;
    Ok(())
}

async fn patch(stage: &Stage, patch: &str) -> Result<()> {
    stage.kubectl(&format!("patch dgc pond --type=merge --patch={patch}")).await.map(drop)
}
