//! A changed template, as `kubectl rollout restart` changes it: the Ducks are made anew first, the
//! role moves once, to one of them, and then the old Goose's pod is. Never two Geese; how long there
//! was none is measured.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use observer::Seen;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    let old = pond.observer.look(uids);
    let restarted = r#"{"kubectl.kubernetes.io/restartedAt":"2026-11-24T08:00:00Z"}"#;
    let patch =
        format!(r#"{{"spec":{{"template":{{"metadata":{{"annotations":{restarted}}}}}}}}}"#);
    let told = pond.observer.now();
    stage.kubectl(&format!("patch dgc pond --type=merge --patch={patch}")).await?;

    pond.goose_moved_from(&goose).await?;
    let made_anew =
        |seen: &Seen| (seen.is_settled(3) && uids(seen).is_disjoint(&old)).then(|| seen.goose());
    let last = pond.observer.until("three pods made anew", 2 * stage::pond::SETTLING, made_anew);
    let last = last.await?.context("wanted a Goose")?;
    stage.figure("three pods made anew after", pond.observer.now() - told);
    pond.condition(
        api::status::condition::PROGRESSING,
        "False",
        api::status::progressing::COMPLETE,
    )
    .await?;

    let history = pond.judge()?;
    let went = history.labels.iter().filter(|seen| seen.label == history::Label::Gone);
    let went: Vec<_> = went.map(|seen| &seen.member).filter(|uid| old.contains(*uid)).collect();
    ensure!(went.last() == Some(&&goose.uid), "wanted {goose:?} to go last, found {went:?}");
    let reigns = history.reigns();
    ensure!(reigns.len() == 2, "wanted the role to move once, found {reigns:?}");
    ensure!(last.uid != goose.uid, "wanted another than {goose:?}, found {last:?}");
    let gaps = history.gaps();
    stage.figure("nobody was Goose for", gaps.first().context("wanted a hand-over")?.length());
    Ok(())
}

fn uids(seen: &Seen) -> BTreeSet<Arc<str>> {
    seen.members().iter().map(|member| member.uid.clone()).collect()
}
