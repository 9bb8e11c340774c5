//! What the operator reads from a pod.

use std::time::Duration;

use api::names::FENCED_ANNOTATION;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::owner::controller;

/// Whether the pod is ready and is to stay.
pub fn is_ready(pod: &Pod) -> bool {
    is_serving(pod) && !is_going(pod)
}

/// Whether the pod is ready, be it on its way out or not.
pub fn is_serving(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
    ready.any(|condition| condition.status == "True")
}

/// For how long the pod has been ready at `time`; `None` where it is not.
pub fn ready_for(pod: &Pod, time: Timestamp) -> Option<Duration> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    let since = ready.last_transition_time.as_ref().map_or(Timestamp::MIN, |since| since.0);
    let span = Duration::try_from(time.duration_since(since)).unwrap_or_default();
    (ready.status == "True").then_some(span)
}

/// Whether the pod is being deleted.
pub fn is_going(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// The name of the node that the pod is on, if it is on one yet.
pub fn node(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

/// Whether somebody wants the pod to be and stay a Duck.
pub fn is_fenced(pod: &Pod) -> bool {
    pod.annotations().get(FENCED_ANNOTATION).is_some_and(|value| value != "false")
}

/// Whether the pod is one of the StatefulSet with this uid.
pub fn belongs_to(pod: &Pod, stateful_set: Option<&str>) -> bool {
    let controller = controller(&pod.metadata);
    controller.map(|controller| controller.uid.as_str()) == stateful_set && stateful_set.is_some()
}

/// Whether this is the pod with that uid.
pub fn has_uid(pod: &Pod, uid: &str) -> bool {
    pod.metadata.uid.as_deref() == Some(uid)
}

/// The number at the end of a StatefulSet's pod's name; what has none comes last.
pub fn ordinal(pod: &Pod) -> u32 {
    let name = pod.name_any();
    name.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
}

/// Pods as the API server would tell of them, for the tests of the decisions.
#[cfg(test)]
pub mod sample {
    use std::collections::BTreeMap;

    use api::names::ROLE_LABEL;
    use k8s_openapi::api::core::v1::{PodCondition, PodSpec, PodStatus};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

    use super::*;

    /// Pod `pond-<ordinal>` with uid `p<ordinal>`, of the StatefulSet with uid `set`, on node
    /// `n<ordinal>`.
    pub fn pod(ordinal: u32, role: &str, ready: bool) -> Pod {
        let owner = OwnerReference {
            kind: "StatefulSet".into(),
            name: "pond".into(),
            uid: "set".into(),
            controller: Some(true),
            ..OwnerReference::default()
        };
        let metadata = ObjectMeta {
            name: Some(format!("pond-{ordinal}")),
            uid: Some(format!("p{ordinal}")),
            resource_version: Some(format!("{}", 100 + ordinal)),
            labels: Some(BTreeMap::from([(ROLE_LABEL.into(), role.into())])),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        };
        let ready = PodCondition {
            type_: "Ready".into(),
            status: if ready { "True" } else { "False" }.into(),
            ..PodCondition::default()
        };
        let status = PodStatus { conditions: Some(vec![ready]), ..PodStatus::default() };
        let node_name = Some(format!("n{ordinal}"));
        let spec = PodSpec { node_name, ..PodSpec::default() };
        Pod { metadata, spec: Some(spec), status: Some(status) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_without_its_set_belongs_to_none() {
        let pod = sample::pod(0, "duck", true);
        assert!(belongs_to(&pod, Some("set")));
        assert!(!belongs_to(&pod, Some("other set")));
        assert!(!belongs_to(&pod, None));
        assert!(!belongs_to(&Pod::default(), None));
    }

    #[test]
    fn a_pod_is_fenced_by_its_annotation() {
        for (value, wanted) in
            [(None, false), (Some("true"), true), (Some(""), true), (Some("false"), false)]
        {
            let mut pod = sample::pod(0, "duck", true);
            let annotations = value.map(|value: &str| (FENCED_ANNOTATION.into(), value.into()));
            pod.annotations_mut().extend(annotations);
            assert_eq!(is_fenced(&pod), wanted, "{value:?}");
        }
    }

    #[test]
    fn ordinals_are_numbers() {
        assert!(ordinal(&sample::pod(9, "duck", true)) < ordinal(&sample::pod(10, "duck", true)));
        assert_eq!(ordinal(&Pod::default()), u32::MAX);
    }
}
