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
    let next = pond.settled(2).await?;
    let change = pond.object().await?.status.unwrap_or_default().history.first().cloned();
    let change = change.context("wanted a history")?;
    ensure!(
        (&*change.goose, &*change.reason) == (&*next.pod, goose_change::HANDED_OVER),
        "wanted {next:?} by a hand-over, found {change:?}"
    );

    let history = pond.judge()?;
    let ended = history.last_goose(&goose.uid).context("wanted the old Goose heard")?;
    let began = history.first_goose_of_later_term(goose.term).context("wanted a next one")?;
    stage.figure("nobody was Goose for", began.answered.saturating_sub(ended.answered));
    let is_gone =
        |seen: &&history::LabelSeen| seen.member == goose.uid && seen.label == history::Label::Gone;
    let gone = history.labels.iter().find(is_gone).context("wanted its pod gone")?;
    ensure!(began.answered < gone.at, "its pod was taken away before another led");
    Ok(())
}
