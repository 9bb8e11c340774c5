//! A sidecar that may not read its Lease is a Duck and not ready, and says why. Once it may, it
//! takes part, and after a lease it leads.

use std::time::Duration;

use anyhow::Result;
use observer::Observer;
use stage::{Stage, Wanted};

use crate::lone_member::{self, LoneMember};

pub async fn test(stage: &Stage) -> Result<()> {
    stage.make(&Wanted::pods(0)).await?;
    let member = LoneMember::start(stage, None).await?;
    member.is_not_ready_for("forbidden").await?;

    lone_member::permit(stage).await?;
    member.is_ready().await?;
    let observer = Observer::of_processes(vec![(lone_member::NAME.to_owned(), member.address)])?;
    observer.goose(Duration::from_secs(20)).await?;
    Ok(())
}
