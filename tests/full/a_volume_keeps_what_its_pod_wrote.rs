//! Each pod has a volume of its own from `spec.volumeClaimTemplates`. Whoever is made anew in its
//! place finds what it wrote there, and nothing of another's: after the Goose's pod was deleted, which
//! hands the role over, and after a rollout, which hands it over once more.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use observer::Seen;
use serde_json::json;
use stage::volumes::Volumes;
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let volumes = Volumes::on_each_node(stage, 1).await?;
    let (pond, goose) = stage.pond(&writing_into(&volumes)).await?;
    let mut runs = Runs::default();
    runs.add_those_of(stage).await?;
    runs.are_found_by_each_pod(stage).await?;

    stage.kubectl(&format!("delete pod {}", goose.pod)).await?;
    pond.goose_after(&goose).await?;
    let next = pond.settled(3).await?;
    runs.add_those_of(stage).await?;
    let known = runs.0.values().map(Vec::len).collect::<Vec<_>>();
    ensure!(known.iter().sum::<usize>() == 4, "wanted one pod made anew, found runs {known:?}");
    runs.are_found_by_each_pod(stage).await?;

    let restarted = r#"{"kubectl.kubernetes.io/restartedAt":"2026-11-24T08:00:00Z"}"#;
    let patch =
        format!(r#"{{"spec":{{"template":{{"metadata":{{"annotations":{restarted}}}}}}}}}"#);
    let old: Vec<_> = runs.0.values().flatten().cloned().collect();
    stage.kubectl(&format!("patch dgc pond --type=merge --patch={patch}")).await?;
    let is_new = |seen: &Seen| seen.members().iter().all(|it| !old.contains(&it.uid.to_string()));
    let made_anew = |seen: &Seen| (seen.is_settled(3) && is_new(seen)).then(|| seen.goose());
    let wanted = "three pods made anew";
    let last = pond.observer.until(wanted, 2 * stage::pond::SETTLING, made_anew).await?;
    let last = last.context("wanted a Goose")?;
    ensure!(last.term > next.term, "wanted the role to move, found {last:?} after {next:?}");
    runs.add_those_of(stage).await?;
    runs.are_found_by_each_pod(stage).await?;
    pond.judge()?;
    Ok(())
}

/// Three pods that write down each of their runs, and say all that they find.
fn writing_into(volumes: &Volumes) -> Wanted {
    let mut wanted = Wanted::pods(3)
        .with_default_lease()
        .with("volumeClaimTemplates", volumes.claims("data"))
        .with("update", json!({ "minReadySeconds": 0 }));
    wanted.pod["securityContext"]["fsGroup"] = json!(1000);
    let uid = json!({ "fieldRef": { "fieldPath": "metadata.uid" } });
    let app = &mut wanted.pod["containers"][0];
    app["env"] = json!([{ "name": "POD_UID", "valueFrom": uid }]);
    app["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    app["command"] = json!(["sh", "-c", SCRIPT]);
    wanted
}

/// The uids of the pods that there were by each name.
#[derive(Default)]
struct Runs(BTreeMap<String, Vec<String>>);

impl Runs {
    async fn add_those_of(&mut self, stage: &Stage) -> Result<()> {
        for pod in stage.all::<Pod>().list(&ListParams::default()).await? {
            let uid = pod.uid().context("wanted its uid")?;
            let known = self.0.entry(pod.name_any()).or_default();
            if known.last() != Some(&uid) {
                known.push(uid);
            }
        }
        Ok(())
    }

    async fn are_found_by_each_pod(&self, stage: &Stage) -> Result<()> {
        for (pod, uids) in &self.0 {
            eventually(&format!("{uids:?} on the volume of {pod}"), PATIENCE, async || {
                let log = stage.kubectl(&format!("logs {pod} --container=app")).await?;
                let found: Vec<_> = log.lines().collect();
                ensure!(found == *uids, "{found:?}");
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

const SCRIPT: &str = r#"
echo "$POD_UID" >> /data/runs
cat /data/runs
trap 'exit 0' TERM
while :; do sleep 3600 & wait $!; done
"#;

/// A container may be ready before the kubelet shows what it said.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
