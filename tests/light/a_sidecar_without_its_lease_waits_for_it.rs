//! A sidecar without its Lease is a Duck and not ready, and says why. Once there is one, it takes
//! part, and after a lease it leads.

use std::time::Duration;

use anyhow::Result;
use observer::Observer;
use stage::{Stage, Wanted};

use crate::lone_member::{self, LoneMember};

pub async fn test(stage: &Stage) -> Result<()> {
    let member = LoneMember::start(stage, None).await?;
    // Without the Role it may not even know that there is no Lease.
    stage.kubectl("create role pond-duckgoose --verb=get,watch,update --resource=leases --resource-name=pond").await?;
    lone_member::permit(stage).await?;
    member.is_not_ready_for("there is no Lease").await?;

    stage.kubectl("delete role pond-duckgoose").await?;
    stage.make(&Wanted::pods(0)).await?;
    member.is_ready().await?;
    let observer = Observer::of_processes(vec![(lone_member::NAME.to_owned(), member.address)])?;
    observer.goose(Duration::from_secs(20)).await?;
    Ok(())
}
