//! The Lease, by hands that keep no rule.

use anyhow::{Context, Result, bail};
use election::lease::{RECORD, STAMP};
use election::record::{Incarnation, Record};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{DeleteParams, PostParams};

use super::insist;
use crate::cast::POND;
use crate::scene::{Scene, index};
use crate::schedule::Planned;

pub(super) async fn delete(scene: &Scene<'_>) -> Result<()> {
    scene.all::<Lease>().delete(POND, &DeleteParams::default()).await?;
    Ok(())
}

/// Nothing reads the mirror: this must not cost the role.
pub(super) async fn edit_mirror(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    edit(scene, |lease| {
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        match index(planned.pick, 5) {
            0 => spec.holder_identity = Some(String::new()),
            1 => spec.lease_duration_seconds = Some(1),
            2 => spec.lease_duration_seconds = Some(i32::MAX),
            3 => spec.lease_transitions = Some(i32::MAX),
            _ => spec.renew_time = Some(MicroTime(Timestamp::UNIX_EPOCH)),
        }
        Ok(())
    })
    .await
}

/// What no rule can take for a release, or for a shorter lease: whoever may forge these can make two
/// Geese, and only the admission policy stops them.
pub(super) async fn edit_record(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    edit(scene, |lease| {
        let mut record = record(lease)?;
        match index(planned.pick, 4) {
            0 => record.holder = Some(Incarnation::new("pond-9", "nobody", "1")?),
            1 => record.duration = record.duration * 3 / 2,
            2 => record.term += 1000,
            _ => record.attempt += 1000,
        }
        lease.annotations_mut().insert(RECORD.to_owned(), record.to_text());
        Ok(())
    })
    .await
}

pub(super) async fn garble(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    edit(scene, |lease| {
        let annotations = lease.annotations_mut();
        match index(planned.pick, 4) {
            0 => drop(annotations.insert(RECORD.to_owned(), "honk".to_owned())),
            1 => drop(annotations.remove(RECORD)),
            2 => drop(annotations.remove(STAMP)),
            _ => annotations.clear(),
        }
        Ok(())
    })
    .await
}

pub(super) async fn restore(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let copy = copy(planned, scene)?;
    edit(scene, |lease| {
        lease.metadata.annotations.clone_from(&copy.metadata.annotations);
        lease.spec.clone_from(&copy.spec);
        Ok(())
    })
    .await
}

/// The operator makes a new one, too, as soon as it sees that there is none: whoever is faster.
pub(super) async fn make_anew(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let (leases, mut copy) = (scene.all::<Lease>(), copy(planned, scene)?);
    copy.metadata.resource_version = None;
    copy.metadata.uid = None;
    for _ in 0..TRIES {
        leases.delete(POND, &DeleteParams::default()).await?;
        match leases.create(&PostParams::default(), &copy).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            made => return note(made, &copy, scene).await,
        }
    }
    bail!("the operator was faster {TRIES} times")
}

/// An old one, of a time when it was held, or of when that term had ended.
fn copy(planned: &Planned, scene: &Scene<'_>) -> Result<Lease> {
    let mut copy = scene.old_copy()?;
    copy.metadata.managed_fields = None;
    if planned.pick % 2 == 1 {
        let released = Record { holder: None, released: true, ..record(&copy)? };
        copy.annotations_mut().insert(RECORD.to_owned(), released.to_text());
    }
    Ok(copy)
}

fn record(lease: &Lease) -> Result<Record> {
    let text = lease.annotations().get(RECORD).map(String::as_str);
    Record::parse(text).context("wanted a record to edit")
}

/// Whoever does this by hand tries again when a renewal comes in between.
async fn edit(scene: &Scene<'_>, edit: impl Fn(&mut Lease) -> Result<()>) -> Result<()> {
    let leases = scene.all::<Lease>();
    for _ in 0..TRIES {
        let mut lease = leases.get(POND).await?;
        edit(&mut lease)?;
        match leases.replace(POND, &PostParams::default(), &lease).await {
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            written => return note(written, &lease, scene).await,
        }
    }
    bail!("the holder was faster {TRIES} times")
}

/// Notes what was written by hand, also where nobody said that it was: whoever should have may have been
/// killed by another fault.
async fn note(written: kube::Result<Lease>, wanted: &Lease, scene: &Scene<'_>) -> Result<()> {
    let error = match written {
        Ok(lease) => {
            scene.note_by_hand(&lease);
            return Ok(());
        }
        Err(error) => error,
    };
    let leases = scene.all::<Lease>();
    let found = insist(async || Ok(leases.get_opt(POND).await?)).await?;
    match found.filter(|found| is_written(found, wanted)) {
        Some(lease) => {
            scene.note_by_hand(&lease);
            Ok(())
        }
        None => Err(error.into()),
    }
}

/// Whether this says what was wanted, and is not the version from before. That another wrote to it since
/// does not matter, so long as the record is the same.
fn is_written(found: &Lease, wanted: &Lease) -> bool {
    let says = |lease: &Lease| [RECORD, STAMP].map(|name| lease.annotations().get(name).cloned());
    found.resource_version() != wanted.resource_version() && says(found) == says(wanted)
}

const TRIES: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(version: &str, record: &str) -> Lease {
        let mut lease = Lease::default();
        lease.metadata.resource_version = Some(version.to_owned());
        lease.annotations_mut().insert(RECORD.to_owned(), record.to_owned());
        lease
    }

    #[test]
    fn a_write_without_an_answer_is_known_by_its_record_in_a_later_version() {
        let wanted = lease("5", "honk");
        assert!(is_written(&lease("6", "honk"), &wanted));
        assert!(!is_written(&lease("5", "honk"), &wanted));
        assert!(!is_written(&lease("6", "renewed"), &wanted));
    }
}
