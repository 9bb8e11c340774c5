//! The workload of a Goose ignores TERM until its pod's grace period has run out, and all is killed;
//! the sidecar gets no more than the two seconds that the kubelet leaves it. The Lease is released all
//! the same, also where the workload was to be told and never answers, and nowhere does the role file
//! say goose once another's does. All nodes are one machine: its uptime is a clock that they share.

use anyhow::{Context, Result, ensure};
use api::status::goose_change::HANDED_OVER;
use observer::Goose;
use serde_json::json;
use stage::{Pond, Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let hook = json!({ "ceaseGoose": { "port": 8080, "path": "/cease-goose", "timeout": "1s" } });
    let mut wanted =
        Wanted::pods(2).with_default_lease().with("sharedVolume", json!({})).with("hooks", hook);
    wanted.pod["terminationGracePeriodSeconds"] = json!(3);
    wanted.pod["containers"][0]["command"] = json!(["sh", "-c", SCRIPT]);
    let (pond, goose) = stage.pond(&wanted).await?;
    let other = if &*goose.pod == "pond-0" { "pond-1" } else { "pond-0" };

    let (old, next) = tokio::join!(log_to_its_end(stage, &goose), killed(stage, &pond, &goose));
    let (old, next) = (looks(&old?)?, next?);
    pond.settled(2).await?;
    let new = looks(&stage.kubectl(&format!("logs {other} --container=app")).await?)?;
    let last = old.last().context("wanted the old Goose's file to have said so")?;
    let first = new.first().context("wanted the new Goose's file to say so")?;
    ensure!(last.began < first.ended, "two at once: {last:?} here, {first:?} there");

    let history = pond.object().await?.status.unwrap_or_default().history;
    let change = history.iter().find(|change| u64::try_from(change.term) == Ok(next.term));
    let reason = change.map(|change| change.reason.as_str());
    ensure!(reason == Some(HANDED_OVER), "wanted it released, found {history:?}");
    pond.judge()?;
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
