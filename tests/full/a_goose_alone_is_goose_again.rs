//! A set of one: whatever happens to its pod, it is Goose again, each time in a higher term.

use anyhow::{Result, ensure};
use api::names::SIDECAR_CONTAINER;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(1)).await?;
    let pod = stage.cluster().pod(&stage.namespace, &goose.pod)?;

    pod.kill_all()?;
    let after_crash = pond.goose_after(&goose).await?;
    ensure!(after_crash.uid == goose.uid, "wanted the same pod, found {after_crash:?}");

    // Deleted before it dies a second time: the kubelet makes a container wait that dies often.
    pond.settled(1).await?;
    stage.kubectl("delete pod pond-0 --wait=false").await?;
    let after_delete = pond.goose_after(&after_crash).await?;
    ensure!(after_delete.uid != goose.uid, "wanted a new pod, found {after_delete:?}");

    pond.settled(1).await?;
    pod.kill(SIDECAR_CONTAINER)?;
    pond.goose_after(&after_delete).await?;
    pond.settled(1).await?;
    pond.judge()?;
    Ok(())
}
