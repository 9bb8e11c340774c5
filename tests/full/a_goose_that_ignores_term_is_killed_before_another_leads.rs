//! No operator runs, which would move the role at once. The workload of a Goose ignores TERM until its pod's
//! grace period has run out, and all is killed; the sidecar gets no more than the two seconds that the kubelet
//! leaves it. The Lease is released all
//! the same, also where the workload was to be told and never answers, and nowhere does the role file
//! say goose once another's does. All nodes are one machine: its uptime is a clock that they share.

use anyhow::{Context, Result, ensure};
use history::LeaseState;
use observer::Goose;
use serde_json::json;
use stage::theatre::RELEASE;
use stage::{Pond, Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let hook = json!({ "ceaseGoose": { "port": 8080, "path": "/cease-goose", "timeout": "1s" } });
    let mut wanted =
        Wanted::pods(2).with_default_lease().with("sharedVolume", json!({})).with("hooks", hook);
    wanted.pod["terminationGracePeriodSeconds"] = json!(3);
    wanted.pod["containers"][0]["command"] = json!(["sh", "-c", SCRIPT]);
    let (pond, goose) = stage.pond(&wanted).await?;
    let other = if &*goose.pod == "pond-0" { "pond-1" } else { "pond-0" };

    operators(stage, 0).await?;
    let (old, next) = tokio::join!(log_to_its_end(stage, &goose), killed(stage, &pond, &goose));
    operators(stage, 2).await?;
    let (old, _) = (looks(&old?)?, next?);
    pond.settled(2).await?;
    let new = looks(&stage.kubectl(&format!("logs {other} --container=app")).await?)?;
    let last = old.last().context("wanted the old Goose's file to have said so")?;
    let first = new.first().context("wanted the new Goose's file to say so")?;
    ensure!(last.began < first.ended, "two at once: {last:?} here, {first:?} there");

    let history = pond.judge()?;
    let released = history.leases.iter().any(|seen| match seen.state {
        LeaseState::Released { term, .. } => term == goose.term,
        _ => false,
    });
    ensure!(released, "wanted term {} released, found {:?}", goose.term, history.leases);
    Ok(())
}

/// Has so many operators run, and waits until it is so.
async fn operators(stage: &Stage, replicas: u32) -> Result<()> {
    let operator = format!("deployment/{RELEASE}");
    stage.kubectl_of_operator(&format!("scale {operator} --replicas={replicas}")).await?;
    stage.kubectl_of_operator(&format!("rollout status {operator} --timeout=60s")).await?;
    if replicas == 0 {
        stage.kubectl_of_operator("wait pods --for=delete --all --timeout=60s").await?;
    }
    Ok(())
}

/// Deletes the Goose's pod, and returns the one after it.
async fn killed(stage: &Stage, pond: &Pond<'_>, goose: &Goose) -> Result<Goose> {
    let asked = pond.observer.now();
    stage.kubectl(&format!("delete pod {} --wait=false", goose.pod)).await?;
    let next = pond.goose_after(goose).await?;
    stage.figure("from the deletion to the next Goose", next.at - asked);
    Ok(next)
}

async fn log_to_its_end(stage: &Stage, goose: &Goose) -> Result<String> {
    stage.kubectl(&format!("logs {} --container=app --follow", goose.pod)).await
}

/// A look at the role file that found the Goose: somewhen between these uptimes in seconds.
#[derive(Debug)]
struct Look {
    began: f64,
    ended: f64,
}

fn looks(log: &str) -> Result<Vec<Look>> {
    let goose = log.lines().filter_map(|line| line.strip_prefix("goose "));
    let look = |times: &str| {
        let (began, ended) = times.split_once(' ').context("wanted two times")?;
        Ok(Look { began: began.parse()?, ended: ended.parse()? })
    };
    goose.map(look).collect()
}

/// Whoever connects to its port waits for an answer for ever.
const SCRIPT: &str = r#"
trap '' TERM
nc -lk -p 8080 -e sleep 3600 &
while :; do
    read -r began rest < /proc/uptime
    role=$(/run/duckgoose/duckgoose role 2> /dev/null)
    read -r ended rest < /proc/uptime
    echo "$role $began $ended"
    sleep 0.1
done
"#;
