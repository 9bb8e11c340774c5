//! A cluster annotated with a pod's name: that pod is the Goose. With the name of a pod that cannot
//! be: an Event says why, and nothing changes.

use anyhow::{Context, Result, ensure};
use api::names::HANDOVER_ANNOTATION;
use api::status::goose_change;
use stage::{Pond, Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    let duck = pond.observer.look(|seen| {
        seen.members().iter().map(|member| member.pod.clone()).find(|pod| *pod != goose.pod)
    });
    let asked = pond.observer.now();
    let next = pond.hand_over_to(&duck.context("wanted a Duck")?).await?;
    stage.figure("the pod that was asked for is Goose after", next.at - asked);
    is_answered(&pond).await?;
    let settled = pond.settled(3).await?;
    ensure!(settled.term == next.term, "wanted {next:?} to go on, found {settled:?}");
    is_told_as_a_hand_over(&pond).await?;

    stage.kubectl(&format!("annotate dgc pond {HANDOVER_ANNOTATION}=pond-9")).await?;
    refusal_says(stage, "pond-9", "it is no member of this cluster").await?;
    is_answered(&pond).await?;

    stage.kubectl(&format!("annotate pod {} duckduckgoose.dev/fenced=true", goose.pod)).await?;
    stage.kubectl(&format!("annotate dgc pond {HANDOVER_ANNOTATION}={}", goose.pod)).await?;
    refusal_says(stage, &goose.pod, "it is fenced or in spec.goose.never").await?;
    let last = pond.settled(3).await?;
    ensure!(last.term == next.term, "wanted {next:?} to go on, found {last:?}");
    pond.judge()?;
    Ok(())
}

/// The operator takes the annotation away when it has answered.
async fn is_answered(pond: &Pond<'_>) -> Result<()> {
    eventually("the annotation taken away", stage::pond::SETTLING, async || {
        let annotations = pond.object().await?.metadata.annotations.unwrap_or_default();
        ensure!(!annotations.contains_key(HANDOVER_ANNOTATION), "{annotations:?}");
        Ok(())
    })
    .await
}

/// The status follows the role by a moment.
async fn is_told_as_a_hand_over(pond: &Pond<'_>) -> Result<()> {
    eventually("a hand-over in the status", stage::pond::SETTLING, async || {
        let status = pond.object().await?.status.unwrap_or_default();
        let reason = &status.history.first().context("wanted a history")?.reason;
        ensure!(*reason == goose_change::HANDED_OVER, "{reason}");
        Ok(())
    })
    .await
}

async fn refusal_says(stage: &Stage, pod: &str, why: &str) -> Result<()> {
    eventually("an Event", stage::pond::SETTLING, async || {
        let words = "get events --field-selector=reason=HandOverRefused --output=wide";
        let events = stage.kubectl(words).await?;
        let told = events.lines().any(|event| event.contains(pod) && event.contains(why));
        ensure!(told, "{events}");
        Ok(())
    })
    .await
}
