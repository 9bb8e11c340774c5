//! The Goose's node cut off, and its pod deleted by force: the API server has no such pod any more,
//! but its process lives on. That proves nothing, so the lease is waited out.

use anyhow::{Context, Result, ensure};
use stage::fault::Cut;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let mut wanted = Wanted::pods(2);
    wanted.pod["topologySpreadConstraints"][0]["whenUnsatisfiable"] = "DoNotSchedule".into();
    let (pond, goose) = stage.pond(&wanted).await?;
    let node = pond.observer.look(|seen| seen.member(&goose.pod)?.node.clone());
    let node = stage.cluster().node(&node.context("wanted the Goose's node")?)?;

    let cut = Cut::off(node)?;
    let cut_off = pond.observer.now();
    stage.kubectl(&format!("delete pod {} --force --grace-period=0", goose.pod)).await?;
    let next = pond.goose_after(&goose).await;
    cut.heal()?;
    let next = next?;
    // The last renewal may have been as long ago as one renewal takes.
    let (took, least) = (next.at - cut_off, wanted.lease - wanted.renewal);
    stage.figure("another Goose after", took);
    ensure!(took >= least, "wanted the lease waited out, at least {least:?}, found {took:?}");
    pond.settled(2).await?;
    pond.judge()?;
    Ok(())
}
