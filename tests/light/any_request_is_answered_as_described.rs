//! Thousands of requests that schemathesis makes up from `/openapi.json`, good and bad ones, to a
//! real sidecar: each is answered as the description says, and the sidecar is still well after them.

use std::io::ErrorKind;

use anyhow::{Context, Result, ensure};
use stage::{Stage, Wanted, ask};
use tokio::process::Command;

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(1).with_default_lease()).await?;
    let address = stage.kubelet().address(&goose.pod).context("wanted its address")?;
    let mut schemathesis = Command::new("schemathesis");
    schemathesis.args(["run", &format!("http://{address}/openapi.json")]).args(HOW);
    // It leaves a folder where it runs.
    schemathesis.current_dir(std::env::temp_dir());
    let output = match schemathesis.kill_on_drop(true).output().await {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("     left out: pip install schemathesis, into a venv on PATH");
            return Ok(());
        }
        output => output?,
    };
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let (status, body) = ask::get(address, "/livez").await?;
    ensure!(status == 200, "{status} {body}");
    pond.settled(1).await?;
    pond.judge()?;
    Ok(())
}

/// - 503 is what a Duck answers on `/goose`, and no failure. A 500 is found out by not being described.
/// - What does not go together is refused, as `not` without `wait`, and no schema can say so.
/// - A stream does not end.
const HOW: [&str; 12] = [
    "--exclude-checks",
    "not_a_server_error,positive_data_acceptance",
    "--exclude-path",
    "/role/stream",
    "--request-timeout",
    "60",
    "--max-time",
    "30",
    "--seed",
    "1",
    "--no-color",
    "--max-failures=5",
];
