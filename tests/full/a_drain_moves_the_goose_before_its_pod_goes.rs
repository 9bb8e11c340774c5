//! `kubectl drain` of the Goose's node: the cordon moves its role, or else the eviction does, which is granted;
//! its workload ends after that, and the drain ends well.

use anyhow::{Context, Result, ensure};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3).with_default_lease().that_end_slowly();
    let (pond, goose) = stage.pond(&wanted).await?;
    let node = pond.observer.look(|seen| seen.member(&goose.pod)?.node.clone());
    let node = node.context("wanted the Goose's node")?;

    let told = pond.observer.now();
    let drain = "--ignore-daemonsets --delete-emptydir-data --force --timeout=120s";
    let drain = format!("drain {node} {drain}");
    let (drained, moved) =
        tokio::join!(stage.kubectl(&drain), pond.goose_after_one_that_ends(&goose));
    let took = pond.observer.now() - told;
    stage.kubectl(&format!("uncordon {node}")).await?;
    drained?;
    moved?;
    stage.figure("drained after", took);

    let next = pond.settled(3).await?;
    pond.was_handed_over_to(&next).await?;
    let history = pond.judge()?;
    let reigns = history.reigns();
    ensure!(reigns.len() == 2, "wanted the role to move once, found {reigns:?}");
    stage.figure("another Goose after", reigns[1].first.answered.saturating_sub(told));
    for gap in history.gaps() {
        stage.figure("nobody was Goose for", gap.length());
    }
    Ok(())
}
