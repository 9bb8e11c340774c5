//! `status.history` has the last changes of the Goose, newest first, each with its reason.

use std::time::Duration;

use anyhow::{Result, ensure};
use api::status::goose_change;
use stage::{Stage, Wanted, eventually};
use tokio::time::sleep;

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, first) = stage.pond(&Wanted::pods(3)).await?;
    // The operator goes by a death only where it has seen the dead one renew.
    sleep(Duration::from_secs(1)).await;
    stage.kubelet().kill(&first.pod)?;
    let second = pond.goose_after(&first).await?;
    // Who leads for less time than a status takes to write is not told of.
    eventually("a status that tells of the second", PATIENCE, async || {
        let goose = pond.object().await?.status.unwrap_or_default().goose;
        ensure!(goose.as_deref() == Some(&*second.pod), "it tells of {goose:?}");
        Ok(())
    })
    .await?;
    stage.kubelet().terminate(&second.pod)?;
    let third = pond.goose_after(&second).await?;

    let wanted = [
        (third.term, &third.pod, goose_change::HANDED_OVER),
        (second.term, &second.pod, goose_change::DEATH_CONFIRMED),
        (first.term, &first.pod, goose_change::FIRST_GOOSE),
    ];
    eventually("the history of three Geese", PATIENCE, async || {
        let history = pond.object().await?.status.unwrap_or_default().history;
        let told = history.iter().map(|it| (it.term, it.goose.as_str(), it.reason.as_str()));
        let like = wanted.iter().map(|(term, pod, reason)| (*term as i64, &***pod, *reason));
        ensure!(told.eq(like), "it is {history:?}");
        let without = history[..2].iter().map(|it| it.without_goose.is_some());
        ensure!(without.eq([true, true]), "no time without a Goose in {history:?}");
        Ok(())
    })
    .await?;
    pond.judge()?;
    Ok(())
}

const PATIENCE: Duration = Duration::from_secs(20);
