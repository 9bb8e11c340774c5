//! The node of the Goose cut off: the isolated pod, asked from inside its node, says duck before
//! another says goose. Healed, it is a Duck.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stage::fault::Cut;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let pod = one_a_node_but_not_on(&stage.operator_node().await?);
    let (pond, goose) = stage.pond(&Wanted { pod, ..Wanted::pods(2) }).await?;
    let node = pond.observer.look(|seen| seen.member(&goose.pod)?.node.clone());
    let node = stage.cluster().node(&node.context("wanted the Goose's node")?)?;

    let cut = Cut::off(node)?;
    let cut_off = pond.observer.now();
    let next = pond.goose_after(&goose).await?;
    let is_labelled = |seen: &observer::Seen| {
        (seen.labelled_goose() == [next.pod.clone()]).then_some(seen.history.labels.last()?.at)
    };
    let labelled =
        pond.observer.until("the label on the next Goose", stage::pond::TAKE_OVER, is_labelled);
    let labelled = labelled.await?;
    cut.heal()?;
    let last = pond.settled(2).await?;
    ensure!(last.term == next.term, "wanted {next:?} to go on, found {last:?}");

    let history = pond.judge()?;
    let duck =
        history.first_duck(&goose.uid, cut_off).context("the isolated one never said duck")?;
    stage.figure("the isolated one says duck after", duck.answered - cut_off);
    stage.figure("another says goose after", next.at - cut_off);
    stage.figure("the label follows after", labelled.saturating_sub(next.at));
    ensure!(duck.answered <= next.at, "another said goose before the isolated one said duck");
    let again = history.first_goose(Some(&goose.uid), duck.answered);
    ensure!(again.is_none(), "it was Goose again after it was cut off: {again:?}");
    Ok(())
}

/// The operator is to go on working; a Duck is to be elsewhere than the Goose.
fn one_a_node_but_not_on(node: &str) -> Value {
    let mut pod = stage::pond::pod();
    pod["topologySpreadConstraints"][0]["whenUnsatisfiable"] = "DoNotSchedule".into();
    let elsewhere =
        json!({ "key": "kubernetes.io/hostname", "operator": "NotIn", "values": [node] });
    let terms = json!({ "nodeSelectorTerms": [{ "matchExpressions": [elsewhere] }] });
    pod["affinity"] = json!({
        "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": terms },
    });
    pod
}
