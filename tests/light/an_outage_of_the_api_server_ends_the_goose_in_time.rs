//! The API server down for two leases: the Goose is a Duck by its deadline, nobody is Goose after
//! it, and somebody is again when the API server is back.

use anyhow::{Context, Result, ensure};
use stage::{Stage, Wanted, fault};
use tokio::time::sleep;

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3);
    let (pond, goose) = stage.pond(&wanted).await?;
    let (down, up) = fault::outage(stage.cluster(), async {
        let down = pond.observer.now();
        sleep(2 * wanted.lease).await;
        Ok((down, pond.observer.now()))
    })
    .await?;
    let next = pond.goose_after(&goose).await?;
    stage.figure("another Goose, from when the API server is told to start,", next.at - up);
    pond.settled(3).await?;

    let history = pond.judge()?;
    let duck = history.first_duck(&goose.uid, down).context("the Goose never said duck")?;
    stage.figure("the Goose says duck after", duck.answered - down);
    ensure!(duck.answered - down <= wanted.lease, "it was Goose for longer than its lease");
    let meanwhile = history.first_goose(None, duck.answered).filter(|answer| answer.asked < up);
    ensure!(meanwhile.is_none(), "a Goose without an API server: {meanwhile:?}");
    Ok(())
}
