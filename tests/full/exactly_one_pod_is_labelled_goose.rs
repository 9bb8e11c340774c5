//! Exactly one pod has the label `goose`, all others `duck`; it is the pod that says so, and the one
//! that the status names.

use std::time::Duration;

use anyhow::{Result, ensure};
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3)).await?;
    let labelled = async |role: &str| {
        let words = format!("get pods --output=name --selector=duckduckgoose.dev/role={role}");
        let pods = stage.kubectl(&words).await?;
        anyhow::Ok(pods.lines().map(|line| line.replace("pod/", "")).collect::<Vec<_>>())
    };
    ensure!(labelled("goose").await? == [&*goose.pod]);
    let ducks = labelled("duck").await?;
    let others = ["pond-0", "pond-1", "pond-2"].into_iter().filter(|pod| **pod != *goose.pod);
    ensure!(ducks == others.collect::<Vec<_>>(), "labelled duck: {ducks:?}");

    eventually("the status to say so", Duration::from_secs(10), async || {
        let status = pond.object().await?.status.unwrap_or_default();
        let found = (status.goose.as_deref(), status.term, status.ducks);
        ensure!(found == (Some(&*goose.pod), i64::try_from(goose.term).ok(), 2), "{found:?}");
        Ok(())
    })
    .await?;
    pond.judge()?;
    Ok(())
}
