//! `duckgoose run` on real nodes: the command begins on the Goose, and when the role moves, it has
//! ended on the old one before it begins on the new one. All nodes are one machine, so its uptime is
//! a clock that all of them share.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let mut wanted = Wanted::pods(2).with_default_lease().with("sharedVolume", json!({}));
    wanted.pod["containers"][0]["command"] =
        json!(["/run/duckgoose/duckgoose", "run", "--", "sh", "-c", SCRIPT]);
    let (pond, goose) = stage.pond(&wanted).await?;
    let other = if &*goose.pod == "pond-0" { "pond-1" } else { "pond-0" };
    said(stage, &goose.pod, "begin", goose.term).await?;
    let log = log_of(stage, other).await?;
    ensure!(!log.contains("begin"), "it ran on a Duck:\n{log}");

    let next = pond.hand_over_to(other).await?;
    let began = said(stage, other, "begin", next.term).await?;
    let ended = said(stage, &goose.pod, "end", goose.term).await?;
    ensure!(ended < began, "it ran twice: until {ended} s here, from {began} s there");
    pond.judge()?;
    Ok(())
}

/// Waits until the command of the pod has said that it begins or ends in this term, and returns the
/// machine's uptime then, in seconds.
async fn said(stage: &Stage, pod: &str, what: &str, term: u64) -> Result<f64> {
    let words = format!("{what} {term} ");
    eventually(&format!("{pod} to {what}"), stage::pond::SETTLING, async || {
        let log = log_of(stage, pod).await?;
        let said = log.lines().find_map(|line| line.strip_prefix(&words));
        Ok(said.with_context(|| log.clone())?.parse()?)
    })
    .await
}

async fn log_of(stage: &Stage, pod: &str) -> Result<String> {
    stage.kubectl(&format!("logs {pod} --container=app")).await
}

const SCRIPT: &str = r#"
say() { read -r up idle < /proc/uptime; echo "$1 $DUCKGOOSE_TERM $up"; }
trap 'say end; exit 0' TERM
say begin
while :; do sleep 3600 & wait $!; done
"#;
