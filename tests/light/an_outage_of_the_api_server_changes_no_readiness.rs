//! While the API server is down, `/role` tells a reason, and every sidecar stays ready: else an
//! outage would take all pods out of service.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use stage::{Stage, Wanted, ask, eventually, fault};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3);
    let (pond, _) = stage.pond(&wanted).await?;
    let pods = pond
        .observer
        .look(|seen| seen.members().iter().map(|member| member.pod.clone()).collect::<Vec<_>>());
    fault::outage(stage.cluster(), async {
        for pod in &pods {
            let address = stage.kubelet().address(pod).context("wanted its address")?;
            eventually(&format!("a reason of {pod}"), Duration::from_secs(10), async || {
                let (_, role) = ask::get(address, "/role").await?;
                ensure!(
                    role.contains(r#""role":"duck""#) && role.contains(r#""reason":""#),
                    "{role}"
                );
                Ok(())
            })
            .await?;
            let (status, body) = ask::get(address, "/readyz").await?;
            ensure!(status == 200, "{pod} is not ready: {status} {body}");
        }
        Ok(())
    })
    .await?;
    pond.settled(3).await?;
    pond.judge()?;
    Ok(())
}
