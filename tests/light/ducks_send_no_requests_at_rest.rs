//! At rest the API server hears from the Goose, once per renewal, and from no Duck.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use history::LeaseState;
use serde_json::json;
use stage::requests::Requests;
use stage::{Pond, Stage, Wanted};
use tokio::time::sleep;

pub async fn test(stage: &Stage) -> Result<()> {
    let members = json!({
        "kind": "ServiceAccount",
        "serviceAccount": { "namespace": stage.namespace, "name": "pond-duckgoose" },
    });
    let requests = Requests::count(&stage.client, &stage.namespace, members, &["*"]).await?;
    let counted = count(stage, &requests).await;
    requests.stop().await?;
    counted
}

async fn count(stage: &Stage, counted: &Requests) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(5)).await?;
    let (requests, renewals) = (counted.so_far().await?, renewals(&pond)?);
    sleep(WINDOW).await;
    let requests = counted.so_far().await? - requests;
    let renewals = self::renewals(&pond)? - renewals;
    let last = pond.settled(5).await?;
    ensure!(last.term == goose.term, "wanted rest, found another Goose: {last:?}");
    pond.judge()?;
    println!("     {}: {requests} requests for {renewals} renewals", stage.test);
    ensure!(renewals >= 5, "wanted some renewals, found {renewals}");
    // One may have been counted and not been seen yet, or the other way round.
    ensure!(requests.abs_diff(renewals) <= 1, "wanted {renewals} requests, found {requests}");
    Ok(())
}

fn renewals(pond: &Pond<'_>) -> Result<u64> {
    let attempt = pond.observer.look(|seen| match seen.lease()?.state {
        LeaseState::Held { attempt, .. } => Some(attempt),
        _ => None,
    });
    attempt.context("wanted the Lease held")
}

/// Some renewals long.
const WINDOW: Duration = Duration::from_secs(5);
