//! The Goose's pod annotated as fenced: it hands over, and stays a Duck also when nobody else is
//! left; unfenced, it may lead again.

use anyhow::{Result, ensure};
use api::names::FENCED_ANNOTATION;
use api::status::{available, condition};
use observer::Seen;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, _) = stage.pond(&Wanted::pods(2)).await?;
    let goose = pond.hand_over_to("pond-0").await?;
    pond.settled(2).await?;
    let fenced = pond.observer.now();
    stage.kubectl(&format!("annotate pod pond-0 {FENCED_ANNOTATION}=true")).await?;
    let next = pond.goose_after(&goose).await?;
    stage.figure("another Goose after", next.at - fenced);
    ensure!(*next.pod == *"pond-1", "wanted another than the fenced one, found {next:?}");

    stage.kubectl("scale dgc/pond --replicas=1").await?;
    pond.condition(condition::AVAILABLE, "False", available::NO_GOOSE).await?;
    let found = pond.observer.look(Seen::goose);
    ensure!(found.is_none(), "wanted nobody rather than the fenced one, found {found:?}");

    stage.kubectl(&format!("annotate pod pond-0 {FENCED_ANNOTATION}-")).await?;
    pond.settled(1).await?;
    pond.judge()?;
    Ok(())
}
