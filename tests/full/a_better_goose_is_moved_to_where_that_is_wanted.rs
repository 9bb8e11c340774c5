//! `spec.goose.policy: Prefer`: the role moves to the pod of the highest priority once that has been
//! ready for five leases; when it has lost the role once, it takes twice as long.

use anyhow::{Result, ensure};
use serde_json::json;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let choice = json!({ "policy": "Prefer", "priorities": [{ "ordinal": 0 }] });
    let wanted = Wanted::pods(2).with("goose", choice);
    let pond = stage.dig(&wanted).await?;
    let is_best = |seen: &observer::Seen| seen.goose().filter(|goose| *goose.pod == *"pond-0");
    let patience = stage::pond::SETTLING;
    pond.observer.until("the best one as Goose", patience, is_best).await?;
    let best = pond.settled(2).await?;

    stage.kubectl("delete pod pond-0 --wait=false").await?;
    let second = pond.goose_after(&best).await?;
    let again = pond.observer.until("the best one again", patience, is_best).await?;
    let took = again.at - second.at;
    stage.figure("the role moved back after", took);
    ensure!(took >= 10 * wanted.lease - ROUNDED, "wanted ten leases waited, found {took:?}");
    pond.settled(2).await?;
    pond.judge()?;
    Ok(())
}

/// Times in a status are whole seconds.
const ROUNDED: std::time::Duration = std::time::Duration::from_secs(1);
