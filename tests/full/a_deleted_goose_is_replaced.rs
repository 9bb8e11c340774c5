//! `kubectl delete pod <goose>`: it hands over; its successor of the same name is a Duck.

use anyhow::{Result, ensure};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3)).await?;
    let deleted = pond.observer.now();
    stage.kubectl(&format!("delete pod {} --wait=false", goose.pod)).await?;

    let next = pond.goose_after(&goose).await?;
    stage.figure("another Goose after", next.at - deleted);
    ensure!(next.pod != goose.pod, "the deleted one is Goose again: {next:?}");
    let comes_back = |seen: &observer::Seen| {
        seen.member(&goose.pod).is_some_and(|member| member.uid != goose.uid).then_some(())
    };
    pond.observer.until("the pod made anew", stage::pond::SETTLING, comes_back).await?;
    let last = pond.settled(3).await?;
    ensure!(last.term == next.term, "wanted {next:?} to go on, found {last:?}");

    let history = pond.judge()?;
    let gaps = history.gaps();
    let [gap] = gaps[..] else { anyhow::bail!("wanted one change of Goose, found {gaps:?}") };
    stage.figure("nobody was Goose for", gap.length());
    Ok(())
}
