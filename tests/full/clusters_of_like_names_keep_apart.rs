//! `pond` and `pond-goose` in one namespace, and another `pond` in a second one: what happens to
//! one does not touch the others.

use anyhow::{Result, ensure};
use observer::Goose;
use stage::{Pond, Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let elsewhere = stage.another_namespace().await?;
    let wanted = Wanted::pods(2).with_default_lease();
    let pond = stage.dig(&wanted).await?;
    let like = stage.dig(&wanted.clone().named("pond-goose")).await?;
    let far = stage.dig_in(&elsewhere, &wanted).await?;
    let goose = pond.settled(2).await?;
    let like_goose = like.settled(2).await?;
    let far_goose = far.settled(2).await?;

    stage.cluster().pod(&stage.namespace, &goose.pod)?.kill_all()?;
    pond.goose_after(&goose).await?;
    pond.settled(2).await?;
    goes_on(&like, &like_goose).await?;
    goes_on(&far, &far_goose).await?;

    stage.kubectl("delete dgc pond --cascade=foreground --timeout=60s").await?;
    goes_on(&like, &like_goose).await?;
    goes_on(&far, &far_goose).await?;
    pond.judge()?;
    for other in [like, far] {
        let reigns = other.judge()?.reigns();
        ensure!(reigns.len() == 1, "wanted one Goose in one term, found {reigns:?}");
    }
    Ok(())
}

async fn goes_on(pond: &Pond<'_>, goose: &Goose) -> Result<()> {
    let found = pond.settled(2).await?;
    ensure!(found.term == goose.term, "wanted {goose:?} to go on, found {found:?}");
    Ok(())
}
