//! SIGTERM to the Goose's sidecar: it hands over, and nobody has to wait for a lease to run out.
//! How long it takes is measured.

use anyhow::{Context, Result, ensure};
use api::names::SIDECAR_CONTAINER;
use rustix::process::{Pid, Signal, kill_process};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(3).with_default_lease();
    let (pond, mut goose) = stage.pond(&wanted).await?;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let told = pond.observer.now();
        terminate(stage, &goose.pod)?;
        let next = pond.goose_after(&goose).await?;
        ensure!(next.uid != goose.uid, "wanted another, found the same one: {next:?}");
        took.push(next.at - told);
        // Whoever comes next is to be ready, as in any orderly shut-down.
        goose = pond.settled(3).await?;
        ensure!(goose.term == next.term, "wanted {next:?} to go on, found {goose:?}");
    }
    pond.judge()?;
    took.sort();
    stage.figure("median from SIGTERM to another Goose", took[took.len() / 2]);
    stage.figure("slowest", took[took.len() - 1]);
    ensure!(took[took.len() - 1] < wanted.lease, "a lease ran out: {took:?}");
    Ok(())
}

fn terminate(stage: &Stage, pod: &str) -> Result<()> {
    let containers = stage.cluster().pod(&stage.namespace, pod)?.containers();
    let sidecar = containers.into_iter().find(|container| container.name == SIDECAR_CONTAINER);
    let sidecar = sidecar.with_context(|| format!("wanted the sidecar of {pod} running"))?;
    let process = Pid::from_raw(sidecar.pid).context("wanted a process")?;
    Ok(kill_process(process, Signal::TERM)?)
}

/// Each of the three once: one that ends a second time, the kubelet makes wait.
const ROUNDS: usize = 3;
