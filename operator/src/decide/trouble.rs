//! Why a pod does not come up.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::pods::{is_going, is_serving};

/// Why the pod will not be ready by waiting alone, as far as its status tells: in words that do not
/// change from one attempt of the kubelet to the next. `None` where it is ready, or just starting.
pub fn trouble(pod: &Pod) -> Option<String> {
    if is_serving(pod) || is_going(pod) {
        return None;
    }
    let status = pod.status.as_ref()?;
    let unschedulable = condition(pod, "PodScheduled").filter(|scheduled| {
        scheduled.status == "False" && scheduled.reason.as_deref() == Some("Unschedulable")
    });
    if unschedulable.is_some() {
        return Some("no node has room for it".to_owned());
    }
    let containers = [&status.init_container_statuses, &status.container_statuses];
    containers.into_iter().flatten().flatten().find_map(trouble_of_container)
}

/// Since when the pod has not been ready.
pub fn unready_since(pod: &Pod) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").and_then(|ready| ready.last_transition_time.as_ref());
    Some(ready.or(pod.metadata.creation_timestamp.as_ref())?.0)
}

/// What people are told of the pod that keeps a rollout, and with it the cluster, from going on.
/// Without any sign of trouble, a pod has [`PATIENCE`] to become ready.
pub fn told(pod: &Pod, now: Timestamp) -> Option<String> {
    let since = unready_since(pod)?;
    let why = trouble(pod).or_else(|| left(pod, now)?.is_zero().then(too_long))?;
    Some(format!("{} has not been ready since {since:.0}: {why}", pod.name_any()))
}

/// How much of its [`PATIENCE`] the pod has left; `None` where it needs none.
pub fn left(pod: &Pod, now: Timestamp) -> Option<Duration> {
    let waits = !is_serving(pod) && !is_going(pod);
    let waited = now.duration_since(unready_since(pod).filter(|_| waits)?);
    Some(PATIENCE.saturating_sub(Duration::try_from(waited).unwrap_or_default()))
}

/// How long a pod may start without a sign of trouble: as long as a Deployment's may.
const PATIENCE: Duration = Duration::from_secs(600);

fn too_long() -> String {
    format!("its containers run, but it has not become ready within {} s", PATIENCE.as_secs())
}

fn trouble_of_container(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref();
    let waits_for = state.and_then(|state| state.waiting.as_ref()?.reason.as_deref());
    let why = match waits_for {
        Some("ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName") => {
            format!("its image {} cannot be pulled", container.image)
        }
        Some(reason) if NEVER_STARTS.contains(&reason) => format!("it cannot start ({reason})"),
        // Between two attempts it runs for a moment.
        _ if waits_for == Some("CrashLoopBackOff") || ended_again(container) => {
            "it ends again and again".to_owned()
        }
        _ => return None,
    };
    Some(format!("container {}: {why}", container.name))
}

fn ended_again(container: &ContainerStatus) -> bool {
    let failed = container.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    !container.ready
        && container.restart_count > 1
        && failed.is_some_and(|ended| ended.exit_code != 0)
}

fn condition<'a>(pod: &'a Pod, type_: &str) -> Option<&'a PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// What the kubelet says of a container that it cannot make from its template.
const NEVER_STARTS: [&str; 5] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "StartError",
    "PreCreateHookError",
];

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::{Value, json};

    use super::super::pods::sample;
    use super::*;

    fn unready(containers: Value) -> Pod {
        let mut pod = sample::pod(1, "duck", false);
        let status = pod.status.get_or_insert_default();
        status.container_statuses = serde_json::from_value(containers).unwrap();
        let ready = &mut status.conditions.as_mut().unwrap()[0];
        ready.last_transition_time = Some(Time(Timestamp::UNIX_EPOCH));
        pod
    }

    fn container(more: &Value) -> Value {
        let mut container = json!({
            "name": "app", "image": "app:2", "imageID": "", "ready": false, "restartCount": 0,
        });
        container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([container])
    }

    #[test]
    fn what_waiting_does_not_mend_is_told_in_words() {
        let waiting = |reason: &str| json!({ "state": { "waiting": { "reason": reason } } });
        let running = |restarts: i32, code: i32| {
            json!({
                "restartCount": restarts,
                "state": { "running": {} },
                "lastState": { "terminated": { "exitCode": code } },
            })
        };
        for (status, wanted) in [
            (waiting("ContainerCreating"), None),
            (waiting("PodInitializing"), None),
            (waiting("ErrImagePull"), Some("its image app:2 cannot be pulled")),
            (waiting("ImagePullBackOff"), Some("its image app:2 cannot be pulled")),
            (waiting("RunContainerError"), Some("it cannot start (RunContainerError)")),
            (waiting("CrashLoopBackOff"), Some("it ends again and again")),
            (running(2, 1), Some("it ends again and again")),
            (running(1, 1), None),
            (running(2, 0), None),
        ] {
            let wanted = wanted.map(|why| format!("container app: {why}"));
            assert_eq!(trouble(&unready(container(&status))), wanted, "{status}");
        }
    }

    #[test]
    fn a_pod_that_no_node_has_room_for_is_in_trouble() {
        let mut pod = unready(json!([]));
        pod.status.get_or_insert_default().conditions.get_or_insert_default().push(PodCondition {
            type_: "PodScheduled".into(),
            status: "False".into(),
            reason: Some("Unschedulable".into()),
            ..PodCondition::default()
        });
        assert_eq!(trouble(&pod).as_deref(), Some("no node has room for it"));
    }

    #[test]
    fn a_pod_without_a_sign_of_trouble_has_its_time() {
        let pod = unready(json!([]));
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(told(&pod, at(599)), None);
        assert_eq!(left(&pod, at(599)), Some(Duration::from_secs(1)));
        let told = told(&pod, at(600)).unwrap();
        assert!(told.starts_with("pond-1 has not been ready since 1970-01-01T00:00:00Z"), "{told}");
        assert_eq!(left(&sample::pod(1, "duck", true), at(600)), None);
    }
}
