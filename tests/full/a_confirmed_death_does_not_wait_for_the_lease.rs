//! With a lease of 30 s: the Goose's sidecar killed alone, then all containers of the next Goose
//! killed, then the pod of the one after it deleted, as an eviction does. Each time another leads
//! long before the lease has run out.

use std::time::Duration;

use anyhow::{Result, ensure};
use api::names::SIDECAR_CONTAINER;
use history::LeaseState;
use observer::{Goose, Seen};
use stage::{Pond, Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted { lease: LEASE, renewal: Duration::from_secs(1), ..Wanted::pods(3) };
    let pond = stage.dig(&wanted).await?;
    // The first Goose of all waits for one lease.
    let goose = pond.observer.settled(3, LEASE + stage::pond::SETTLING).await?;
    let goose = goose.ok_or_else(|| anyhow::anyhow!("wanted a Goose"))?;

    let goose = replaced(stage, &pond, &goose, "sidecar killed", async || {
        Ok(stage.cluster().pod(&stage.namespace, &goose.pod)?.kill(SIDECAR_CONTAINER)?)
    })
    .await?;
    let goose = replaced(stage, &pond, &goose, "all containers killed", async || {
        Ok(stage.cluster().pod(&stage.namespace, &goose.pod)?.kill_all()?)
    })
    .await?;
    replaced(stage, &pond, &goose, "pod deleted", async || {
        stage.kubectl(&format!("delete pod {} --wait=false", goose.pod)).await.map(drop)
    })
    .await?;
    pond.judge()?;
    Ok(())
}

/// Does it to the Goose, and waits for the next one, which must not have waited for the lease.
async fn replaced(
    stage: &Stage,
    pond: &Pond<'_>,
    goose: &Goose,
    what: &str,
    fault: impl AsyncFnOnce() -> Result<()>,
) -> Result<Goose> {
    is_renewed(pond, goose).await?;
    let told = pond.observer.now();
    fault().await?;
    let next = pond.goose_after(goose).await?;
    stage.figure(&format!("{what}: another Goose after"), next.at - told);
    ensure!(next.at - told < LEASE / 2, "{what}: wanted no lease waited for, found {next:?}");
    pond.settled(3).await
}

/// Rule 10 is for a holder that was seen to renew.
async fn is_renewed(pond: &Pond<'_>, goose: &Goose) -> Result<()> {
    let of_its_term = |seen: &Seen| {
        let held = |state: &LeaseState| matches!(state, LeaseState::Held { term, .. } if *term == goose.term);
        let versions = seen.history.leases.iter().filter(|lease| held(&lease.state)).count();
        (versions > 2).then_some(())
    };
    let wanted = format!("{} to have renewed", goose.pod);
    Ok(pond.observer.until(&wanted, stage::pond::SETTLING, of_its_term).await?)
}

const LEASE: Duration = Duration::from_secs(30);
