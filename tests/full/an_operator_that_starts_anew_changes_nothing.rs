//! The operator's pod deleted: the Goose goes on, no label changes, and the next operator's labels
//! follow the next Goose.

use anyhow::{Result, ensure};
use stage::theatre::RELEASE;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    let labels = pond.observer.look(|seen| seen.history.labels.clone());

    stage.kubectl_of_operator("delete pods --all").await?;
    let ready = format!("rollout status deployment/{RELEASE} --timeout=60s");
    stage.kubectl_of_operator(&ready).await?;
    let found = pond.settled(3).await?;
    ensure!(found.term == goose.term, "wanted {goose:?} to go on, found {found:?}");
    let now = pond.observer.look(|seen| seen.history.labels.clone());
    ensure!(now == labels, "wanted no label to change, found {:?}", &now[labels.len()..]);

    let deleted = pond.observer.now();
    stage.kubectl(&format!("delete pod {} --wait=false", goose.pod)).await?;
    let next = pond.goose_after(&goose).await?;
    pond.settled(3).await?;
    let history = pond.judge()?;
    let label = history.labels.iter().find(|seen| {
        seen.at > deleted && seen.member == next.uid && seen.label == history::Label::Goose
    });
    let label = label.ok_or_else(|| anyhow::anyhow!("{} was not labelled goose", next.pod))?;
    stage.figure("the label follows the next Goose after", label.at.saturating_sub(next.at));
    Ok(())
}
