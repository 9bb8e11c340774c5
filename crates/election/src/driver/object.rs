//! From the API server's object to the machine's [`Lease`], and the record back.

use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use crate::lease::{ILLNESS, Lease, RECORD, illness_to_text};
use crate::member::Write;
use crate::record::Record;

/// What the machine goes by; `None` when the object has no uid, or no
/// resourceVersion that is a whole number.
pub(super) fn lease(object: &Object) -> Option<Lease> {
    let uid = object.metadata.uid.as_deref()?;
    let version = object.metadata.resource_version.as_deref()?.parse().ok()?;
    let annotations = object.metadata.annotations.as_ref();
    Some(Lease::from_metadata(uid, version, annotations.unwrap_or(&Default::default())))
}

/// The whole object with this record, at this time, and with the illness of
/// whoever holds it; `None` when it is not the version that the write replaces
/// (rule 5).
pub(super) fn with_record(
    base: &Object,
    write: &Write,
    illness: Option<&str>,
    now: MicroTime,
) -> Option<Object> {
    let known = lease(base).filter(|it| (&it.uid, it.version) == (&write.uid, write.version))?;
    let mut object = base.clone();
    let annotations = object.metadata.annotations.get_or_insert_default();
    annotations.insert(RECORD.to_owned(), write.record.to_text());
    match illness.filter(|_| write.record.holder.is_some()) {
        Some(words) => {
            annotations.insert(ILLNESS.to_owned(), illness_to_text(write.record.term, words))
        }
        None => annotations.remove(ILLNESS),
    };
    let taken = write.record.holder.is_some()
        && known.record.is_ok_and(|record| record.term != write.record.term);
    mirror(object.spec.get_or_insert_default(), &write.record, taken, now);
    Some(object)
}

/// The record in `spec`, for people and `kubectl get lease`. No rule reads it.
fn mirror(spec: &mut LeaseSpec, record: &Record, taken: bool, now: MicroTime) {
    // Empty, not absent, is how client-go says "nobody".
    spec.holder_identity = Some(record.holder.as_ref().map_or("", |it| it.pod()).to_owned());
    let seconds = record.duration.as_secs_f64().ceil();
    spec.lease_duration_seconds = Some(seconds as i32);
    if taken {
        spec.acquire_time = Some(now.clone());
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
    }
    spec.renew_time = Some(now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Incarnation;
    use k8s_openapi::jiff::Timestamp;
    use serde_json::{from_value, json};
    use std::time::Duration;

    fn at(second: i64) -> MicroTime {
        MicroTime(Timestamp::from_second(second).unwrap())
    }

    fn object(record: &Record) -> Object {
        from_value(json!({
            "metadata": {
                "name": "pond", "uid": "u", "resourceVersion": "9",
                "labels": {"team": "birds"},
                "annotations": {RECORD: record.to_text(), "duckduckgoose.dev/paused": "true"},
            },
            "spec": {"holderIdentity": "somebody", "leaseTransitions": 3},
        }))
        .unwrap()
    }

    fn record(holder: Option<&str>, term: u64) -> Record {
        let holder = holder.map(|pod| Incarnation::new(pod, "uid", "a").unwrap());
        let duration = Duration::from_millis(2500);
        Record { released: holder.is_none(), holder, ..Record::quarantine(term, duration) }
    }

    fn write(version: u64, record: Record) -> Write {
        Write { uid: "u".into(), version, record, timeout: Duration::from_secs(1) }
    }

    #[test]
    fn a_taking_is_mirrored_and_all_else_is_kept() {
        let taking = record(Some("pond-1"), 9);
        let base = object(&record(None, 7));
        let written = with_record(&base, &write(9, taking.clone()), None, at(100)).unwrap();
        assert_eq!(lease(&written).unwrap().record, Ok(taking));
        assert!(lease(&written).unwrap().orders.paused);
        assert_eq!(written.metadata.labels, base.metadata.labels);
        let spec = written.spec.unwrap();
        assert_eq!(spec.holder_identity.as_deref(), Some("pond-1"));
        assert_eq!((spec.lease_duration_seconds, spec.lease_transitions), (Some(3), Some(4)));
        assert_eq!((spec.acquire_time, spec.renew_time), (Some(at(100)), Some(at(100))));
    }

    #[test]
    fn a_renewal_and_a_release_are_no_transitions() {
        let base = object(&record(Some("pond-1"), 7));
        for (next, holder) in [(record(Some("pond-1"), 7), "pond-1"), (record(None, 7), "")] {
            let spec = with_record(&base, &write(9, next), None, at(100));
            let spec = spec.unwrap().spec.unwrap();
            assert_eq!(spec.holder_identity.as_deref(), Some(holder));
            assert_eq!((spec.lease_transitions, spec.acquire_time), (Some(3), None));
            assert_eq!(spec.renew_time, Some(at(100)));
        }
    }

    #[test]
    fn an_illness_goes_with_the_record_of_its_holder_and_with_no_other() {
        let (held, released) = (record(Some("pond-1"), 7), record(None, 7));
        let written = |base: &Object, record: &Record, illness: Option<&str>| {
            with_record(base, &write(9, record.clone()), illness, at(100)).unwrap()
        };
        let told = |object: &Object| object.metadata.annotations.as_ref()?.get(ILLNESS).cloned();
        let ill = written(&object(&held), &held, Some("it answers 500"));
        assert_eq!(told(&ill).as_deref(), Some("7/it answers 500"));
        assert_eq!(told(&written(&ill, &held, None)), None);
        assert_eq!(told(&written(&ill, &released, Some("it answers 500"))), None);
    }

    #[test]
    fn another_version_than_the_one_decided_on_is_not_written() {
        let base = object(&record(None, 7));
        assert_eq!(with_record(&base, &write(8, record(None, 7)), None, at(100)), None);
    }

    #[test]
    fn a_version_that_is_no_number_is_no_lease() {
        let mut odd = object(&record(None, 7));
        odd.metadata.resource_version = Some("abc".into());
        assert_eq!(lease(&odd), None);
    }
}
