//! An operator works with sidecars of other versions: an upgrade rolls clusters one after the other,
//! and may be undone. So what one of them tells the other stays as it was in the first version, which
//! is written down in `wire_format.txt`. More may come; a line of that file changes only with a way
//! to understand both.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::names::SIDECAR_CONTAINER;
use election::lease::RECORD;
use election::record::Record;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Container, Pod, Probe};
use kube::ResourceExt;
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    let (lease, holder) = held_lease(stage).await?;
    let pod = stage.all::<Pod>().get(&goose.pod).await?;
    let mut found = told_to_the_sidecar(&pod)?;
    found.extend(told_by_the_lease(&lease, &holder));
    stage.kubelet().kill(&goose.pod)?;
    let message = termination_message(stage, &goose.pod).await?;
    found.push(format!("termination message: {}", masked(&message, &holder)));
    pond.judge()?;

    let missing: Vec<_> =
        FIRST_VERSION.lines().filter(|line| !found.iter().any(|found| found == line)).collect();
    ensure!(missing.is_empty(), "wanted:\n{}\nfound:\n{}", missing.join("\n"), found.join("\n"));
    Ok(())
}

/// The Lease once its Goose has successors, and the holder that its record names.
async fn held_lease(stage: &Stage) -> Result<(Lease, String)> {
    eventually("a Lease with successors", PATIENCE, async || {
        let lease = stage.all::<Lease>().get("pond").await?;
        let successors = lease.annotations().get(election::lease::SUCCESSORS);
        let successors = successors.context("it has none")?.split(',').count();
        ensure!(successors == 2, "it has {successors}");
        let record = Record::parse(lease.annotations().get(RECORD).map(String::as_str))?;
        let holder = record.holder.context("nobody holds it")?.to_string();
        Ok((lease, holder))
    })
    .await
}

/// What the operator tells the sidecar in its container.
fn told_to_the_sidecar(pod: &Pod) -> Result<Vec<String>> {
    let spec = pod.spec.as_ref().context("wanted a spec")?;
    let sidecar = spec.init_containers.iter().flatten().find(|it| it.name == SIDECAR_CONTAINER);
    let sidecar = sidecar.context("wanted a sidecar")?;
    let mut told = environment(sidecar);
    let ports = sidecar.ports.iter().flatten();
    told.extend(ports.map(|port| format!("sidecar port: {}", port.container_port)));
    for (name, probe) in [
        ("startup", &sidecar.startup_probe),
        ("readiness", &sidecar.readiness_probe),
        ("liveness", &sidecar.liveness_probe),
    ] {
        told.push(format!("{name} probe: {}", path(probe).context("wanted a path")?));
    }
    told.extend(pod.labels().keys().map(|label| format!("pod label: {label}")));
    Ok(told)
}

fn environment(sidecar: &Container) -> Vec<String> {
    let variables = sidecar.env.iter().flatten().map(|variable| {
        let field = variable.value_from.as_ref().and_then(|from| from.field_ref.as_ref());
        let value = field.map(|field| &field.field_path).or(variable.value.as_ref());
        format!("sidecar env: {}={}", variable.name, value.map_or("", String::as_str))
    });
    variables.collect()
}

fn path(probe: &Option<Probe>) -> Option<&str> {
    probe.as_ref()?.http_get.as_ref()?.path.as_deref()
}

/// What the Lease tells all of them.
fn told_by_the_lease(lease: &Lease, holder: &str) -> Vec<String> {
    let annotations = lease.annotations().iter().map(|(name, value)| {
        let value = match name.as_str() {
            election::lease::STAMP => value.replace(&lease.uid().unwrap_or_default(), "<uid>"),
            election::lease::SUCCESSORS => "<pod uid>,<pod uid>".to_owned(),
            RECORD => masked(value, holder),
            _ => value.clone(),
        };
        format!("lease annotation: {name}={value}")
    });
    annotations.collect()
}

/// A record, or a part of it, without what differs from one run to the next.
fn masked(text: &str, holder: &str) -> String {
    let (mut masked, mut rest) = (String::new(), text);
    // No term and no attempt of a record has letters in it.
    for field in ["\"term\":", "\"attempt\":"] {
        if let Some((before, after)) = rest.split_once(field) {
            masked += &format!("{before}{field}<number>");
            rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
        }
    }
    (masked + rest).replace(holder, "<pod>_<pod uid>_<nonce>")
}

async fn termination_message(stage: &Stage, pod: &str) -> Result<String> {
    eventually("a termination message", PATIENCE, async || {
        let status = stage.all::<Pod>().get(pod).await?.status.unwrap_or_default();
        let containers = status.init_container_statuses.unwrap_or_default();
        let sidecar = containers.into_iter().find(|it| it.name == SIDECAR_CONTAINER);
        let sidecar = sidecar.context("no sidecar")?;
        let ends = [sidecar.state, sidecar.last_state];
        let mut messages = ends.into_iter().flatten().filter_map(|end| end.terminated?.message);
        messages.next().context("none yet")
    })
    .await
}

const FIRST_VERSION: &str = include_str!("wire_format.txt");

const PATIENCE: Duration = Duration::from_secs(30);
