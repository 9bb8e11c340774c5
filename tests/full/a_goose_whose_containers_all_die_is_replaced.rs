//! All containers of the Goose's pod killed at once: another is Goose in a higher term, and the
//! restarted one is a Duck.

use anyhow::{Result, ensure};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3)).await?;
    let killed = pond.observer.now();
    stage.cluster().pod(&stage.namespace, &goose.pod)?.kill_all()?;

    let next = pond.goose_after(&goose).await?;
    stage.figure("another Goose after", next.at - killed);
    ensure!(next.uid != goose.uid, "the dead one was faster: {next:?}");
    let last = pond.settled(3).await?;
    ensure!(last.term == next.term, "wanted {next:?} to go on, found {last:?}");
    pond.judge()?;
    Ok(())
}
