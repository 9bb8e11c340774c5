//! Rule 10: whose death a pod tells of, and the Lease that says so.
//!
//! Which death releases which record is decided by the election (`election::keeper::DeathWatch`).

use api::names::SIDECAR_CONTAINER;
use election::keeper::Release;
use election::record::Incarnation;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ContainerState, Pod};
use kube::ResourceExt;

use super::lease::{read, with_record};

/// The incarnations that the pod's status confirms dead: their own names, in the termination
/// messages of their sidecar. The kubelet keeps that of the last one, also when it has started the
/// next one in its place meanwhile.
///
/// A message that names an incarnation of another pod is somebody's invention, and what a pod does
/// not say is not known: a phase or a missing pod prove nothing.
pub fn deaths(pod: &Pod) -> Vec<Incarnation> {
    let uid = pod.uid().unwrap_or_default();
    let statuses = pod.status.iter().flat_map(|status| status.init_container_statuses.iter());
    let sidecars = statuses.flatten().filter(|status| status.name == SIDECAR_CONTAINER);
    let messages =
        sidecars.flat_map(|status| [message(&status.state), message(&status.last_state)]);
    let named = messages.flatten().filter_map(|text| Incarnation::parse(text.trim()).ok());
    named.filter(|who| who.pod_uid() == uid && who.pod() == pod.name_any()).collect()
}

/// The whole Lease, released; `None` if it is not the version that this was decided on.
pub fn released(lease: &Lease, release: &Release) -> Option<Lease> {
    let seen = read(lease);
    let decided_on = seen.uid == release.uid && seen.version == release.version;
    decided_on.then(|| with_record(lease, &release.record))
}

fn message(state: &Option<ContainerState>) -> Option<&str> {
    state.as_ref()?.terminated.as_ref()?.message.as_deref()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use election::lease::{RECORD, STAMP};
    use election::record::Record;
    use serde_json::{Value, json};

    use super::super::pods::sample::pod;
    use super::*;

    /// `pond-1`, whose container of this name says this.
    fn pod_saying(container: &str, state: Value, last_state: Value) -> Pod {
        let mut pod = pod(1, "duck", true);
        let status = json!({
            "name": container, "state": state, "lastState": last_state,
            "image": "", "imageID": "", "ready": true, "restartCount": 1,
        });
        let statuses = Some(vec![serde_json::from_value(status).unwrap()]);
        pod.status.as_mut().unwrap().init_container_statuses = statuses;
        pod
    }

    fn terminated(message: &str) -> Value {
        json!({ "terminated": { "exitCode": 137, "message": message } })
    }

    #[test]
    fn only_the_sidecars_own_word_is_a_death() {
        let running = || json!({ "running": {} });
        for (container, state, last_state, wanted) in [
            ("duckgoose", running(), json!({}), vec![]),
            ("duckgoose", terminated("pond-1_p1_a"), json!({}), vec!["pond-1_p1_a"]),
            // The kubelet started the next one meanwhile, which is not dead.
            ("duckgoose", running(), terminated("pond-1_p1_a\n"), vec!["pond-1_p1_a"]),
            (
                "duckgoose",
                terminated("pond-1_p1_b"),
                terminated("pond-1_p1_a"),
                vec!["pond-1_p1_b", "pond-1_p1_a"],
            ),
            ("app", terminated("pond-1_p1_a"), json!({}), vec![]),
            // Of another pod, of the pod before it by this name, and of none.
            ("duckgoose", terminated("pond-0_p0_a"), json!({}), vec![]),
            ("duckgoose", terminated("pond-1_older_a"), json!({}), vec![]),
            ("duckgoose", terminated("The container could not be located"), json!({}), vec![]),
            ("duckgoose", json!({ "terminated": { "exitCode": 137 } }), json!({}), vec![]),
        ] {
            let pod = pod_saying(container, state.clone(), last_state.clone());
            let found: Vec<_> = deaths(&pod).iter().map(ToString::to_string).collect();
            assert_eq!(found, wanted, "{container} {state} {last_state}");
        }
        assert_eq!(deaths(&Pod::default()), vec![]);
    }

    #[test]
    fn the_release_is_of_the_very_version_it_was_decided_on() {
        let holder = Some(Incarnation::new("pond-1", "p1", "a").unwrap());
        let held = Record { holder, ..Record::quarantine(5, Duration::from_secs(6)) };
        let lease: Lease = serde_json::from_value(json!({
            "metadata": {
                "name": "pond", "uid": "l", "resourceVersion": "7",
                "annotations": { RECORD: held.to_text(), STAMP: "l", "their/own": "kept" },
            },
            "spec": { "holderIdentity": "pond-1" },
        }))
        .unwrap();
        let record = Record { holder: None, released: true, ..held };
        let release =
            |uid: &str, version| Release { uid: uid.into(), version, record: record.clone() };
        let written = released(&lease, &release("l", 7)).unwrap();
        assert_eq!(read(&written).record, Ok(record.clone()));
        assert_eq!(written.annotations()["their/own"], "kept");
        assert_eq!(written.metadata.resource_version, lease.metadata.resource_version);
        assert_eq!(written.spec.unwrap().holder_identity, None);
        assert_eq!(released(&lease, &release("l", 6)), None);
        assert_eq!(released(&lease, &release("other", 7)), None);
    }
}
