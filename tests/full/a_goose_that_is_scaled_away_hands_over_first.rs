//! `kubectl scale` from 5 to 2 with the Goose on ordinal 4: its role moves to a pod that stays
//! before its own is taken away.

use anyhow::{Context, Result, ensure};
use api::status::goose_change;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(5).with_default_lease();
    let (pond, _) = stage.pond(&wanted).await?;
    let goose = pond.hand_over_to("pond-4").await?;
    pond.settled(5).await?;

    stage.kubectl("scale dgc/pond --replicas=2").await?;
    let next = pond.goose_moved_from(&goose).await?;
    let last = pond.settled(2).await?;
    ensure!(last.term == next.term, "wanted {next:?} to go on, found {last:?}");
    let change = pond.object().await?.status.unwrap_or_default().history.first().cloned();
    let reason = change.context("wanted a history")?.reason;
    ensure!(reason == goose_change::HANDED_OVER, "wanted a hand-over, found {reason}");
    let history = pond.judge()?;
    let gap = history.gaps().last().copied().context("wanted a hand-over")?;
    stage.figure("nobody was Goose for", gap.length());
    Ok(())
}
