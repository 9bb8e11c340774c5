//! A HorizontalPodAutoscaler finds the scale sub-resource, and uses it.
//!
//! There is no metrics server here: what it does without one is to keep the number of pods within
//! its bounds.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::PostParams;
use serde_json::json;
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(1).with_default_lease()).await?;
    let autoscalers = stage.all::<HorizontalPodAutoscaler>();
    let autoscaler = json!({
        "metadata": { "name": "pond" },
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "duckduckgoose.dev/v1alpha1",
                "kind": "DuckGooseCluster",
                "name": "pond",
            },
            "minReplicas": 2,
            "maxReplicas": 4,
        },
    });
    autoscalers.create(&PostParams::default(), &serde_json::from_value(autoscaler)?).await?;

    eventually("the autoscaler to find the scale", SYNC, async || {
        let status = autoscalers.get("pond").await?.status.context("no status yet")?;
        let conditions = status.conditions.unwrap_or_default();
        let able = conditions.iter().find(|condition| condition.type_ == "AbleToScale");
        let able = able.with_context(|| format!("{conditions:?}"))?;
        ensure!(able.status == "True", "{able:?}");
        Ok(())
    })
    .await?;
    let last = pond.settled(2).await?;
    ensure!(last.term == goose.term, "wanted {goose:?} to go on, found {last:?}");
    pond.judge()?;
    Ok(())
}

/// The controller looks every 15 s.
const SYNC: Duration = Duration::from_secs(45);
