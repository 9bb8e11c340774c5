//! `spec.sidecar.listen: Loopback`: the pods are ready, by probes that are commands; their own containers
//! are told the role, and can give it up; nobody else reaches the sidecar.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let mut wanted = Wanted::pods(2).with_default_lease();
    wanted.more.insert("sidecar".to_owned(), json!({ "listen": "Loopback" }));
    stage.make(&wanted).await?;
    let seconds = stage::pond::SETTLING.as_secs();
    stage.kubectl(&format!("wait dgc/pond --for=condition=Available --timeout={seconds}s")).await?;
    eventually("both pods ready", stage::pond::SETTLING, async || {
        let ready = stage.kubectl("get dgc pond --output=jsonpath={.status.readyReplicas}").await?;
        ensure!(ready == "2", "{ready:?}");
        Ok(())
    })
    .await?;

    let goose = goose(stage).await?;
    let other = if goose == "pond-0" { "pond-1" } else { "pond-0" };
    for host in ["127.0.0.1", "[::1]"] {
        let own = inside(stage, &goose, &format!("{QUIETLY} http://{host}:4040/role")).await?;
        let own: Value = serde_json::from_str(&own).context("wanted JSON")?;
        ensure!(own["role"] == "goose" && own["pod"] == *goose, "{own}");
    }
    nobody_else_reaches(stage, &goose, other).await?;

    inside(stage, &goose, &format!("{QUIETLY} --post-data= http://localhost:4040/handover"))
        .await?;
    eventually("the other pod to be the Goose", stage::pond::SETTLING, async || {
        let now = self::goose(stage).await?;
        ensure!(now == other, "{now}");
        Ok(())
    })
    .await
}

/// The other pod is told its own role, and is refused at the Goose's address, where the workload of
/// the Goose is not refused.
async fn nobody_else_reaches(stage: &Stage, goose: &str, other: &str) -> Result<()> {
    let own = inside(stage, other, &format!("{QUIETLY} http://localhost:4040/role")).await?;
    ensure!(own.contains(r#""role":"duck""#), "{own}");
    let words = format!("get pod {goose} --output=jsonpath={{.status.podIP}}");
    let address = stage.kubectl(&words).await?;
    let asked = inside(stage, other, &format!("{QUIETLY} http://{address}:4040/role")).await;
    let refused = asked.err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(refused.contains("Connection refused"), "wanted it refused, found {refused:?}");
    Ok(())
}

async fn goose(stage: &Stage) -> Result<String> {
    stage.kubectl("get dgc pond --output=jsonpath={.status.goose}").await
}

/// What a command in the workload's container prints.
async fn inside(stage: &Stage, pod: &str, command: &str) -> Result<String> {
    stage.kubectl(&format!("exec {pod} --container=app -- {command}")).await
}

/// Prints the body, and what is wrong.
const QUIETLY: &str = "wget -q -O -";
