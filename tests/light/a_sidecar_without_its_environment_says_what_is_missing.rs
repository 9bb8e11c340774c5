//! A sidecar that was not told who it is is a Duck, never ready, alive, and says which variable it
//! wants.

use anyhow::{Result, ensure};
use api::names::env;
use stage::{Stage, ask};

use crate::lone_member::LoneMember;

pub async fn test(stage: &Stage) -> Result<()> {
    let member = LoneMember::start(stage, Some(env::CLUSTER)).await?;
    member.is_not_ready_for(env::CLUSTER).await?;
    for (path, wanted) in [("/livez", 200), ("/goose", 503), ("/duck", 200)] {
        let (status, body) = ask::get(member.address, path).await?;
        ensure!(status == wanted, "{path}: wanted {wanted}, found {status} {body}");
    }
    Ok(())
}
