//! `spec.goose`: whoever is in `never` is not Goose, whoever comes first in `priorities` is next,
//! and a better one that comes back is a Duck: the role stays where it is well.

use anyhow::{Context, Result, ensure};
use election::lease::Orders;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use serde_json::json;
use stage::{Pond, Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let choice = json!({ "priorities": [{ "ordinal": 3 }], "never": [{ "ordinal": 0 }] });
    let (pond, first) = stage.pond(&Wanted::pods(4).with("goose", choice)).await?;
    ensure!(*first.pod != *"pond-0", "wanted one that may lead, found {first:?}");

    let worse = if *first.pod == *"pond-1" { first } else { pond.hand_over_to("pond-1").await? };
    line_is(stage, &pond, &["pond-3", "pond-2"]).await?;
    stage.kubectl("delete pod pond-1 --wait=false").await?;
    let best = pond.goose_after(&worse).await?;
    ensure!(*best.pod == *"pond-3", "wanted the one of priority, found {best:?}");
    pond.settled(4).await?;

    line_is(stage, &pond, &["pond-1", "pond-2"]).await?;
    stage.kubectl("delete pod pond-3 --wait=false").await?;
    let second = pond.goose_after(&best).await?;
    ensure!(*second.pod == *"pond-1", "wanted the next that may lead, found {second:?}");
    pond.settled(4).await?;
    line_is(stage, &pond, &["pond-3", "pond-2"]).await?;
    let last = pond.settled(4).await?;
    ensure!(last.term == second.term, "wanted {second:?} to stay, found {last:?}");
    pond.judge()?;
    Ok(())
}

/// Orders go into the Lease once per renewal: waits until the pods of these names are next in line.
async fn line_is(stage: &Stage, pond: &Pond<'_>, wanted: &[&str]) -> Result<()> {
    eventually("this line of successors", stage::pond::SETTLING, async || {
        let lease = stage.all::<Lease>().get("pond").await?;
        let orders = Orders::from_annotations(lease.annotations());
        let name = |uid: &String| {
            pond.observer.look(|seen| {
                let of_it = |member: &&&observer::Member| *member.uid == **uid;
                seen.members().iter().find(of_it).map(|member| member.pod.to_string())
            })
        };
        let names: Option<Vec<String>> = orders.successors.iter().map(name).collect();
        let names = names.context("wanted pods that are there")?;
        ensure!(names == wanted, "{names:?}");
        Ok(())
    })
    .await
}
