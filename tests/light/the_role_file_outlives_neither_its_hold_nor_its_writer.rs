//! The role file, read by the real `duckgoose role`: it says goose while the sidecar lives and
//! promises, and no longer. One pod, so that its sidecar, which is a process of this machine here,
//! has the folder to itself.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use stage::{Stage, Wanted, eventually, theatre};
use tokio::process::Command;
use tokio::time::{Instant, sleep_until};

pub async fn test(stage: &Stage) -> Result<()> {
    let folder = theatre::left_behind().join(format!("role-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let played = play(stage, &folder).await;
    std::fs::remove_dir_all(&folder)?;
    played
}

async fn play(stage: &Stage, folder: &Path) -> Result<()> {
    let volume = json!({ "mountPath": folder, "hold": format!("{}ms", HOLD.as_millis()) });
    let shared = Wanted::pods(1).with("sharedVolume", volume);
    let (pond, goose) = stage.pond(&shared).await?;
    is(folder, "goose").await?;

    // Killed: the file stands there with a hold that has not ended, and nobody believes it.
    stage.kubelet().kill(&goose.pod)?;
    is(folder, "unknown").await?;
    ensure!(std::fs::read_to_string(folder.join("role"))?.contains("role=goose"), "rewritten");
    is(folder, "duck").await?;
    let goose = pond.goose_after(&goose).await?;
    is(folder, "goose").await?;

    // Frozen: its lock stays, but the hold ends.
    stage.kubelet().freeze(&goose.pod)?;
    let ends = Instant::now() + HOLD;
    sleep_until(ends).await;
    let found = role(folder).await?;
    stage.kubelet().thaw(&goose.pod)?;
    ensure!(found == "unknown", "a hold of {HOLD:?} was believed for longer: {found}");
    is(folder, "goose").await?;

    // Told to end: a Duck or nothing, from before the moment when it is gone.
    stage.kubelet().terminate(&goose.pod)?;
    is(folder, "unknown").await?;
    ensure!(std::fs::read_to_string(folder.join("role"))? == "role=duck\n", "a stale role");
    pond.judge()?;
    Ok(())
}

/// Waits until the file says this.
async fn is(folder: &Path, wanted: &str) -> Result<()> {
    eventually(&format!("the role {wanted}"), PATIENCE, async || {
        let found = role(folder).await?;
        ensure!(found == wanted, "{found}");
        Ok(())
    })
    .await
}

/// The one word of the program that the sidecar has put beside its file.
async fn role(folder: &Path) -> Result<String> {
    let output = Command::new(folder.join("duckgoose")).arg("role").output().await?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A third of the shortest lease, at most.
const HOLD: Duration = Duration::from_millis(600);

const PATIENCE: Duration = Duration::from_secs(30);
