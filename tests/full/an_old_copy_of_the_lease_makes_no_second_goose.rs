//! An old copy of the Lease, of a time when another was Goose, put in its place while the Goose
//! leads, and made anew after a deletion: never two, and one again within two leases.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, PostParams};
use observer::Goose;
use stage::{Pond, Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3);
    let (pond, first) = stage.pond(&wanted).await?;
    let copy = copy(stage).await?;
    stage.kubectl(&format!("delete pod {} --wait=false", first.pod)).await?;
    let second = pond.goose_after(&first).await?;
    pond.settled(3).await?;

    put_in_place(stage, &copy).await?;
    let third = after_a_restore(&pond, &second).await?;
    make_anew(stage, &copy).await?;
    after_a_restore(&pond, &third).await?;

    let history = pond.judge()?;
    let gap = history.gaps().iter().map(|gap| gap.length()).max().unwrap_or_default();
    stage.figure("nobody was Goose for at most", gap);
    ensure!(gap <= 2 * wanted.lease, "wanted a Goose again within two leases, found {gap:?}");
    Ok(())
}

/// As a backup tool keeps it: without what belongs to the moment.
async fn copy(stage: &Stage) -> Result<Lease> {
    let mut lease = stage.all::<Lease>().get("pond").await?;
    lease.metadata.resource_version = None;
    lease.metadata.managed_fields = None;
    Ok(lease)
}

/// Whoever does this by hand tries again when a renewal comes in between.
async fn put_in_place(stage: &Stage, copy: &Lease) -> Result<()> {
    let file = stage.file("lease.json")?;
    std::fs::write(&file, serde_json::to_vec(copy)?)?;
    let words = format!("replace --filename={}", file.display());
    eventually("the copy put in place", stage::pond::TAKE_OVER, async || {
        stage.kubectl(&words).await.map(drop)
    })
    .await
}

/// The operator makes a new one, too, as soon as it sees that there is none: whoever is faster.
async fn make_anew(stage: &Stage, copy: &Lease) -> Result<()> {
    let leases = stage.all::<Lease>();
    for _ in 0..TRIES {
        leases.delete("pond", &DeleteParams::default()).await?;
        match leases.create(&PostParams::default(), copy).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            made => return Ok(made.map(drop)?),
        }
    }
    anyhow::bail!("the operator was faster {TRIES} times")
}

/// Waits until the Lease is held by somebody who wrote it after the restore, and all is well.
async fn after_a_restore(pond: &Pond<'_>, before: &Goose) -> Result<Goose> {
    let restored = pond.observer.look(|seen| seen.lease().map(|lease| lease.version));
    let restored = restored.context("wanted a Lease")?;
    let renewed = |seen: &observer::Seen| {
        let lease = seen.lease().filter(|lease| lease.version > restored)?;
        let history::LeaseState::Held { term, .. } = lease.state else { return None };
        (term >= before.term).then_some(())
    };
    pond.observer.until("a Lease held in no older term", stage::pond::TAKE_OVER, renewed).await?;
    pond.settled(3).await
}

const TRIES: usize = 50;
