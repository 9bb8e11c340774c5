//! The condition Progressing: pods are coming, going or being replaced, or one of them does not
//! come up.

use std::sync::Arc;
use std::time::Duration;

use api::names::{UPGRADE_ANNOTATION, UPGRADE_NOW};
use api::status::progressing;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;

use super::rollout::{is_outdated, revision};
use super::status::Verdict;
use super::trouble::{left, told};
use super::upgrade::has_turn;

/// What it is decided from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// `spec.replicas`.
    pub replicas: i32,
    /// The cluster's StatefulSet.
    pub stateful_set: Option<&'a StatefulSet>,
    /// Whether it keeps its template until it is the cluster's turn to take a newer sidecar.
    pub upgrade_waits: bool,
    /// Its pods.
    pub members: &'a [Arc<Pod>],
    /// The time now, to compare with what pods say.
    pub time: Timestamp,
}

/// The condition, and after which time it may change by itself.
pub fn progress(now: Situation) -> (Verdict, Option<Duration>) {
    let (replicas, set) = (now.replicas, now.stateful_set);
    if set.is_some_and(|set| is_complete(set, replicas)) {
        return (completed(now), None);
    }
    let newest = || now.members.iter().filter(|pod| is_of_newest_template(pod, set));
    if let Some(told) = newest().find_map(|pod| told(pod, now.time)) {
        let turn = if set.is_some_and(has_turn) { UPGRADE_STOPS } else { "" };
        let message = format!("{told}; no more pods are updated until it is ready{turn}");
        return (Verdict::new("False", progressing::POD_NOT_READY, message), None);
    }
    let status = set.and_then(|set| set.status.clone()).unwrap_or_default();
    let message = format!(
        "of {replicas} pods, {} are there, {} of them up to date and {} ready",
        status.replicas,
        status.updated_replicas.unwrap_or_default(),
        status.ready_replicas.unwrap_or_default()
    );
    let look_again = newest().filter_map(|pod| left(pod, now.time)).min();
    (Verdict::new("True", progressing::PODS_CHANGING, message), look_again)
}

/// Whether all pods of the StatefulSet are there, made from its template, and ready.
pub fn is_complete(set: &StatefulSet, replicas: i32) -> bool {
    let Some(status) = &set.status else { return false };
    let updated = status.updated_replicas.unwrap_or_default();
    let ready = status.ready_replicas.unwrap_or_default();
    status.observed_generation >= set.metadata.generation
        && [status.replicas, updated, ready] == [replicas; 3]
}

fn completed(now: Situation) -> Verdict {
    let replicas = now.replicas;
    if now.upgrade_waits {
        let message = format!(
            "all {replicas} pods are ready; a newer sidecar waits for the cluster's turn \
             (annotate it with {UPGRADE_ANNOTATION}={UPGRADE_NOW} to have it at once)"
        );
        return Verdict::new("False", progressing::UPGRADE_WAITS, message);
    }
    Verdict::new("False", progressing::COMPLETE, format!("all {replicas} pods are as wanted"))
}

/// A pod of an older template is replaced, whether it comes up or not.
fn is_of_newest_template(pod: &Pod, set: Option<&StatefulSet>) -> bool {
    set.and_then(revision).is_some_and(|revision| !is_outdated(pod, revision))
}

/// Of a cluster whose turn it is to take a newer sidecar.
const UPGRADE_STOPS: &str = ", and no other cluster takes the new sidecar in its place";

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::StatefulSetStatus;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use kube::ResourceExt;

    use super::super::pods::sample::pod;
    use super::*;

    fn set(replicas: i32, updated: i32, ready: i32, seen: i64) -> StatefulSet {
        let mut set = StatefulSet::default();
        set.metadata.generation = Some(4);
        set.status = Some(StatefulSetStatus {
            replicas,
            updated_replicas: Some(updated),
            ready_replicas: Some(ready),
            observed_generation: Some(seen),
            update_revision: Some("new".into()),
            ..StatefulSetStatus::default()
        });
        set
    }

    #[test]
    fn it_progresses_until_all_pods_are_there_updated_and_ready() {
        for (set, wanted) in [
            (None, "True"),
            (Some(set(3, 3, 3, 3)), "True"),
            (Some(set(3, 3, 3, 4)), "False"),
            (Some(set(5, 5, 5, 4)), "True"),
            (Some(set(3, 1, 3, 4)), "True"),
            (Some(set(3, 3, 2, 4)), "True"),
        ] {
            let now = Situation {
                replicas: 3,
                stateful_set: set.as_ref(),
                upgrade_waits: false,
                members: &[],
                time: Timestamp::UNIX_EPOCH,
            };
            assert_eq!(progress(now).0.status, wanted, "{set:?}");
        }
    }

    #[test]
    fn a_pod_of_the_newest_template_that_does_not_come_up_ends_it() {
        let unready = |revision: &str| {
            let mut pod = pod(1, "duck", false);
            pod.metadata.creation_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
            pod.labels_mut().insert("controller-revision-hash".into(), revision.into());
            vec![Arc::new(pod)]
        };
        let set = set(3, 1, 2, 4);
        for (members, second, wanted, looks_again) in [
            (unready("new"), 599, progressing::PODS_CHANGING, true),
            (unready("new"), 601, progressing::POD_NOT_READY, false),
            (unready("old"), 601, progressing::PODS_CHANGING, false),
        ] {
            let time = Timestamp::from_second(second).unwrap();
            let now = Situation {
                replicas: 3,
                stateful_set: Some(&set),
                upgrade_waits: false,
                members: &members,
                time,
            };
            let (verdict, look_again) = progress(now);
            assert_eq!((&*verdict.reason, look_again.is_some()), (wanted, looks_again), "{now:?}");
        }
    }
}
