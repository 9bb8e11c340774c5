//! An eviction of the Goose's pod that nothing announced, as a descheduler or a vertical autoscaler asks for
//! it: it is granted, and the role moves while the workload ends, which it does not do before it is killed.

use anyhow::{Result, ensure};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3).with_default_lease().that_end_slowly();
    let (pond, goose) = stage.pond(&wanted).await?;

    stage.evict(&goose.pod).await?;
    let evicted = pond.observer.now();
    let next = pond.goose_after_one_that_ends(&goose).await?;
    stage.figure("another Goose after", next.at.saturating_sub(evicted));

    let last = pond.settled(3).await?;
    pond.was_handed_over_to(&last).await?;
    let reigns = pond.judge()?.reigns();
    ensure!(reigns.len() == 2, "wanted the role to move once, found {reigns:?}");
    Ok(())
}
