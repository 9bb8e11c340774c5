//! SIGTERM to the Goose's sidecar: it hands over, and nobody has to wait for a lease to run out.
//! How long it takes is measured.

use anyhow::{Context, Result, ensure};
use api::names::SIDECAR_CONTAINER;
use rustix::process::{Pid, Signal, kill_process};
use stage::{Stage, Wanted, eventually};
use testbed::Container;

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3).with_default_lease();
    let (pond, mut goose) = stage.pond(&wanted).await?;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let ended = sidecar_of(stage, &goose.pod)?;
        let told = pond.observer.now();
        terminate(&ended)?;
        let next = pond.goose_after(&goose).await?;
        ensure!(next.uid != goose.uid, "wanted another, found the same one: {next:?}");
        took.push(next.at - told);
        ensure!(next.at - told < wanted.lease, "a lease ran out: {took:?}");
        // Only who has followed the Lease can take it at once: there must be somebody each time.
        eventually("the ended sidecar running again", stage::pond::SETTLING, async || {
            let sidecar = sidecar_of(stage, &goose.pod)?;
            ensure!(sidecar.id != ended.id, "the old one runs");
            Ok(())
        })
        .await?;
        goose = pond.settled(3).await?;
        ensure!(goose.term == next.term, "wanted {next:?} to go on, found {goose:?}");
    }
    pond.judge()?;
    took.sort();
    stage.figure("median from SIGTERM to another Goose", took[took.len() / 2]);
    stage.figure("slowest", took[took.len() - 1]);
    Ok(())
}

fn sidecar_of(stage: &Stage, pod: &str) -> Result<Container> {
    let containers = stage.cluster().pod(&stage.namespace, pod)?.containers();
    let sidecar = containers.into_iter().find(|container| container.name == SIDECAR_CONTAINER);
    sidecar.with_context(|| format!("wanted the sidecar of {pod} running"))
}

fn terminate(container: &Container) -> Result<()> {
    let process = Pid::from_raw(container.pid).context("wanted a process")?;
    Ok(kill_process(process, Signal::TERM)?)
}

/// Each of the three once: one that ends a second time, the kubelet makes wait.
const ROUNDS: usize = 3;
