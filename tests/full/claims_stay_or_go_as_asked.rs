//! `spec.persistentVolumeClaimRetentionPolicy` is that of a StatefulSet: claims stay where nothing is
//! said, when a pod is scaled away and when the cluster is deleted; where `Delete` is asked for, they
//! go then, and not before.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::json;
use stage::pond::SETTLING;
use stage::volumes::Volumes;
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let volumes = Volumes::on_each_node(stage, 2).await?;
    let deleted = json!({ "whenScaled": "Delete", "whenDeleted": "Delete" });
    let staying = claiming("staying", &volumes);
    let going = claiming("going", &volumes).with("persistentVolumeClaimRetentionPolicy", deleted);
    let ((staying, _), (going, _)) = tokio::try_join!(stage.pond(&staying), stage.pond(&going))?;
    let all = ["data-going-0", "data-going-1", "data-staying-0", "data-staying-1"];
    claims_are(stage, &all).await?;

    stage.kubectl("scale dgc/staying dgc/going --replicas=1").await?;
    tokio::try_join!(staying.settled(1), going.settled(1))?;
    let kept = ["data-going-0", "data-staying-0", "data-staying-1"];
    claims_are(stage, &kept).await?;

    staying.judge()?;
    going.judge()?;
    stage.kubectl("delete dgc/staying dgc/going").await?;
    no_pod_is_left(stage).await?;
    claims_are(stage, &["data-staying-0", "data-staying-1"]).await
}

fn claiming(name: &str, volumes: &Volumes) -> Wanted {
    let mut wanted =
        Wanted::pods(2).named(name).with("volumeClaimTemplates", volumes.claims("data"));
    wanted.pod["containers"][0]["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    wanted
}

async fn no_pod_is_left(stage: &Stage) -> Result<()> {
    eventually("no pod left", SETTLING, async || {
        let pods = stage.all::<Pod>().list(&ListParams::default()).await?;
        let names: Vec<_> = pods.iter().map(ResourceExt::name_any).collect();
        ensure!(names.is_empty(), "{names:?}");
        Ok(())
    })
    .await
}

/// Waits until exactly these are there.
async fn claims_are(stage: &Stage, wanted: &[&str]) -> Result<()> {
    let wanted: BTreeSet<String> = wanted.iter().map(|&name| name.to_owned()).collect();
    eventually(&format!("the claims {wanted:?}"), SETTLING, async || {
        let claims = stage.all::<PersistentVolumeClaim>().list(&ListParams::default()).await?;
        let found: BTreeSet<_> = claims.iter().map(ResourceExt::name_any).collect();
        ensure!(found == wanted, "{found:?}");
        Ok(())
    })
    .await
}
