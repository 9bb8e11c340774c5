//! The Lease deleted while the Goose leads: never two, and one again within two leases.

use anyhow::{Context, Result, ensure};
use history::LeaseState;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3);
    let (pond, _) = stage.pond(&wanted).await?;
    let old = pond.observer.look(|seen| seen.lease().cloned()).context("wanted a Lease")?;

    let deleted = pond.observer.now();
    stage.kubectl("delete lease pond").await?;
    let held_anew = |seen: &observer::Seen| {
        let lease = seen.lease().filter(|lease| lease.uid != old.uid)?;
        matches!(lease.state, LeaseState::Held { .. }).then_some(lease.at)
    };
    let held = pond.observer.until("the new Lease held", stage::pond::TAKE_OVER, held_anew).await?;
    stage.figure("a new Lease is held after", held - deleted);
    pond.settled(3).await?;

    let history = pond.judge()?;
    let gap = history.gaps().iter().map(|gap| gap.length()).max().unwrap_or_default();
    stage.figure("nobody was Goose for", gap);
    ensure!(gap <= 2 * wanted.lease, "wanted a Goose again within two leases, found {gap:?}");
    Ok(())
}
