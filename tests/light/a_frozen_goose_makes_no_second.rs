//! The Goose's sidecar stopped in its tracks for one and a half leases, then let go on: another is
//! Goose by then, and the woken one is a Duck from its first answer on.

use anyhow::{Result, ensure};
use stage::{Stage, Wanted};
use tokio::time::sleep;

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3);
    let (pond, goose) = stage.pond(&wanted).await?;
    stage.kubelet().freeze(&goose.pod)?;
    let frozen = pond.observer.now();
    sleep(wanted.lease * 3 / 2).await;
    stage.kubelet().thaw(&goose.pod)?;

    let next = pond.goose_after(&goose).await?;
    stage.figure("another Goose after", next.at - frozen);
    let last = pond.settled(3).await?;
    ensure!(last.term == next.term, "wanted {next:?} to go on, found {last:?}");
    let history = pond.judge()?;
    let again = history.first_goose(Some(&goose.uid), frozen);
    ensure!(again.is_none(), "the frozen one said goose when it was woken: {again:?}");
    Ok(())
}
