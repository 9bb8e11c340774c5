//! `kubectl wait --for=condition=Available` returns once there is a Goose, and the condition goes
//! when nobody is wanted any more.

use anyhow::{Result, ensure};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let pond = stage.dig(&Wanted::pods(2)).await?;
    stage.kubectl("wait --for=condition=Available dgc/pond --timeout=60s").await?;
    let status = pond.object().await?.status.unwrap_or_default();
    let goose = pond.observer.look(observer::Seen::goose);
    let goose = goose.map(|goose| goose.pod.to_string());
    ensure!(goose.is_some() && status.goose == goose, "wanted {goose:?}, found {status:?}");

    stage.kubectl("scale dgc/pond --replicas=0").await?;
    stage.kubectl("wait --for=condition=Available=False dgc/pond --timeout=60s").await?;
    pond.judge()?;
    Ok(())
}
