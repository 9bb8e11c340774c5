//! At rest the API server hears from the Goose, once per renewal, and from no Duck.
//!
//! A FlowSchema of the members' account makes the API server count their requests apart from all
//! others.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use history::LeaseState;
use http::Request;
use k8s_openapi::api::flowcontrol::v1::FlowSchema;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use stage::{Pond, Stage, Wanted};
use tokio::time::sleep;

pub async fn test(stage: &Stage) -> Result<()> {
    let schemas: Api<FlowSchema> = Api::all(stage.client.clone());
    schemas.create(&PostParams::default(), &schema(&stage.namespace)?).await?;
    let counted = count(stage).await;
    schemas.delete(&stage.namespace, &DeleteParams::default()).await?;
    counted
}

async fn count(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(5)).await?;
    let (requests, renewals) = (requests(stage).await?, renewals(&pond)?);
    sleep(WINDOW).await;
    let requests = self::requests(stage).await? - requests;
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

/// Of all members together.
async fn requests(stage: &Stage) -> Result<u64> {
    let metrics = stage.client.request_text(Request::get("/metrics").body(Vec::new())?).await?;
    let name = "apiserver_flowcontrol_dispatched_requests_total";
    let ours = format!("flow_schema=\"{}\"", stage.namespace);
    let line = metrics.lines().find(|line| line.starts_with(name) && line.contains(&ours));
    let line = line.with_context(|| format!("wanted {name} with {ours}, found none"))?;
    let count = line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
    Ok(count.with_context(|| format!("wanted a count, found {line}"))? as u64)
}

fn renewals(pond: &Pond<'_>) -> Result<u64> {
    let attempt = pond.observer.look(|seen| match seen.lease()?.state {
        LeaseState::Held { attempt, .. } => Some(attempt),
        _ => None,
    });
    attempt.context("wanted the Lease held")
}

fn schema(namespace: &str) -> Result<FlowSchema> {
    Ok(serde_json::from_value(json!({
        "metadata": { "name": namespace },
        "spec": {
            "priorityLevelConfiguration": { "name": "leader-election" },
            "matchingPrecedence": 50,
            "rules": [{
                "subjects": [{
                    "kind": "ServiceAccount",
                    "serviceAccount": { "namespace": namespace, "name": "pond-duckgoose" },
                }],
                "resourceRules": [{
                    "verbs": ["*"],
                    "apiGroups": ["*"],
                    "resources": ["*"],
                    "clusterScope": true,
                    "namespaces": ["*"],
                }],
                "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
            }],
        },
    }))?)
}

/// Some renewals long.
const WINDOW: Duration = Duration::from_secs(5);
