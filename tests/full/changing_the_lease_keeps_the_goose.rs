//! `spec.lease` shortened and lengthened while a Goose leads: the same one goes on, and there are
//! never two. Another duration is another Lease (docs/decisions/).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use election::lease::{DURATION, Lease};
use history::LeaseState;
use k8s_openapi::api::coordination::v1;
use kube::ResourceExt;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    for (duration, renewal) in [(3, 1), (8, 2)] {
        let before = pond.observer.look(|seen| seen.lease().cloned()).context("wanted a Lease")?;
        let lease = format!(
            r#"{{"spec":{{"lease":{{"duration":"{duration}s","renewal":"{renewal}s"}}}}}}"#
        );
        let changed = pond.observer.now();
        stage.kubectl(&format!("patch dgc pond --type=merge --patch={lease}")).await?;
        let held_anew = |seen: &observer::Seen| {
            let lease = seen.lease().filter(|lease| lease.uid != before.uid)?;
            matches!(lease.state, LeaseState::Held { .. }).then_some(lease.at)
        };
        let held =
            pond.observer.until("another Lease held", Duration::from_secs(20), held_anew).await?;
        stage.figure(&format!("a Lease of {duration} s is held after"), held - changed);
        let lease = stage.all::<v1::Lease>().get("pond").await?;
        let found = lease.annotations().get(DURATION).context("wanted the Lease's duration")?;
        ensure!(*found == format!("{}", duration * 1000), "wanted {duration} s, found {found} ms");
        let read = Lease::from_metadata(&lease.uid().unwrap_or_default(), 0, lease.annotations());
        ensure!(read.record?.term == goose.term, "wanted the same term as {goose:?}");
    }
    let last = pond.settled(3).await?;
    ensure!(last.term == goose.term, "wanted {goose:?} to go on, found {last:?}");
    let reigns = pond.judge()?.reigns();
    ensure!(reigns.len() == 1, "wanted one Goose all the time, found {reigns:?}");
    Ok(())
}
