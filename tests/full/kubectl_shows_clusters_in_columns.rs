//! `kubectl get duckgoosecluster`, by all its names, prints who is the Goose, and how many are ready.

use std::time::Duration;

use anyhow::{Result, ensure};
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(2)).await?;
    for kind in ["duckgoosecluster", "duckgooseclusters", "dgc"] {
        let wanted = [&*pond.name, &*goose.pod, &goose.term.to_string(), "2", "2"];
        // The status follows the pods.
        eventually("the cluster's row", Duration::from_secs(10), async || {
            let table = stage.kubectl(&format!("get {kind}")).await?;
            let rows: Vec<Vec<_>> =
                table.lines().map(|line| line.split_whitespace().collect()).collect();
            let [header, row] = &rows[..] else { anyhow::bail!("{table}") };
            ensure!(*header == ["NAME", "GOOSE", "TERM", "READY", "DESIRED", "AGE"], "{table}");
            ensure!(row[..5] == wanted && row.len() == 6, "{table}");
            Ok(())
        })
        .await?;
    }
    pond.judge()?;
    Ok(())
}
