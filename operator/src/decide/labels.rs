//! Rule 12, label truth: the role label is on one pod or none.
//!
//! The label is off every other pod before it is on the Goose's, so two writes that cross can
//! only leave it on nobody. Each write names the pod by uid and resourceVersion: a write that was
//! decided on an old sight of the pod fails, however late it arrives.
//!
//! One write can still be late without its pod having changed: that of an operator that ran before
//! this one and froze between its decision and its socket. So each pod that this operator found
//! when it started is written once, with the operator's mark, before its Goose is labelled. That
//! changes the pod's resourceVersion, and whatever a predecessor has on its way conflicts. Pods
//! that came later no predecessor can have seen, and they cost nothing.

use std::collections::HashSet;
use std::sync::Arc;

use api::names::{DUCK, GOOSE, ROLE_LABEL};
use election::record::Incarnation;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::{Value, json};

/// Annotation of a pod: the run of the operator that last marked it.
pub const OPERATOR_ANNOTATION: &str = "duckduckgoose.dev/operator";

/// This run of the operator, and the pods that it found when it started.
#[derive(Clone, Debug, Default)]
pub struct Tenure {
    /// Differs from that of any other run.
    pub mark: String,
    /// The uids of the pods that an earlier run may have a write on its way to.
    pub inherited: HashSet<String>,
}

/// The writes that make the labels true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelPlan {
    /// First, in any order, and all of them.
    pub ducks: Vec<LabelWrite>,
    /// Then this one.
    pub goose: Option<LabelWrite>,
    /// Whether one of them is to an inherited pod.
    pub inherits: bool,
}

/// One write of one pod's role label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelWrite {
    /// Name of the pod.
    pub pod: String,
    /// A merge patch that only the very version of the pod that was seen accepts.
    pub patch: Value,
}

/// What to write so that the pod of the holder, and no other of the cluster's pods, is the Goose.
///
/// A holder whose pod is not among them is labelled nowhere: there may be no such pod any more.
pub fn plan(pods: &[Arc<Pod>], holder: Option<&Incarnation>, tenure: &Tenure) -> LabelPlan {
    let mut plan = LabelPlan::default();
    for pod in pods {
        let role = if holder.is_some_and(|holder| runs_in(holder, pod)) { GOOSE } else { DUCK };
        let unmarked = is_inherited(pod, tenure) && !is_marked(pod, tenure);
        if label(pod) == Some(role) && !unmarked {
            continue;
        }
        plan.inherits |= unmarked;
        let write = write(pod, role, unmarked.then_some(tenure.mark.as_str()));
        match role {
            GOOSE => plan.goose = Some(write),
            _ => plan.ducks.push(write),
        }
    }
    plan
}

/// Whether the incarnation runs in this very pod.
pub fn runs_in(holder: &Incarnation, pod: &Pod) -> bool {
    pod.metadata.name.as_deref() == Some(holder.pod())
        && pod.metadata.uid.as_deref() == Some(holder.pod_uid())
}

/// The pod's role label.
pub fn label(pod: &Pod) -> Option<&str> {
    pod.labels().get(ROLE_LABEL).map(String::as_str)
}

fn is_inherited(pod: &Pod, tenure: &Tenure) -> bool {
    pod.metadata.uid.as_ref().is_some_and(|uid| tenure.inherited.contains(uid))
}

fn is_marked(pod: &Pod, tenure: &Tenure) -> bool {
    pod.annotations().get(OPERATOR_ANNOTATION) == Some(&tenure.mark)
}

fn write(pod: &Pod, role: &str, mark: Option<&str>) -> LabelWrite {
    let mut patch = json!({ "metadata": {
        "uid": pod.metadata.uid,
        "resourceVersion": pod.metadata.resource_version,
        "labels": { ROLE_LABEL: role },
    }});
    if let Some(mark) = mark {
        patch["metadata"]["annotations"] = json!({ OPERATOR_ANNOTATION: mark });
    }
    LabelWrite { pod: pod.name_any(), patch }
}

#[cfg(test)]
mod tests {
    use super::super::pods::sample::pod;
    use super::*;

    fn pods(roles: &[&str]) -> Vec<Arc<Pod>> {
        roles.iter().zip(0..).map(|(role, n)| Arc::new(pod(n, role, true))).collect()
    }

    fn holder(pod: &str, uid: &str) -> Option<Incarnation> {
        Some(Incarnation::new(pod, uid, "a1").unwrap())
    }

    fn inheriting(uids: &[&str]) -> Tenure {
        let inherited = uids.iter().map(|uid| (*uid).to_owned()).collect();
        Tenure { mark: "run-2".into(), inherited }
    }

    /// The pods to be written as Ducks, and then as Goose.
    fn names(plan: &LabelPlan) -> (Vec<&str>, Option<&str>) {
        let ducks = plan.ducks.iter().map(|write| write.pod.as_str()).collect();
        (ducks, plan.goose.as_ref().map(|write| write.pod.as_str()))
    }

    #[test]
    fn off_all_others_then_on_the_holders_pod() {
        let (d, g) = (DUCK, GOOSE);
        for (roles, holder, ducks, goose) in [
            ([d, d, d], None, vec![], None),
            ([d, g, d], None, vec!["pond-1"], None),
            ([d, d, d], holder("pond-1", "p1"), vec![], Some("pond-1")),
            ([d, g, d], holder("pond-1", "p1"), vec![], None),
            ([g, d, d], holder("pond-1", "p1"), vec!["pond-0"], Some("pond-1")),
            ([g, g, ""], holder("pond-1", "p1"), vec!["pond-0", "pond-2"], None),
            // Another pod by the same name, and a pod that is no more.
            ([d, g, d], holder("pond-1", "older"), vec!["pond-1"], None),
            ([d, g, d], holder("pond-7", "p7"), vec!["pond-1"], None),
        ] {
            let plan = plan(&pods(&roles), holder.as_ref(), &Tenure::default());
            assert_eq!(names(&plan), (ducks, goose), "{roles:?} {holder:?}");
        }
    }

    #[test]
    fn each_write_names_the_very_version_of_the_pod_that_was_seen() {
        let plan = plan(&pods(&[GOOSE]), None, &Tenure::default());
        let wanted = json!({ "metadata": {
            "uid": "p0", "resourceVersion": "100", "labels": { ROLE_LABEL: DUCK },
        }});
        assert_eq!(plan.ducks[0].patch, wanted);
    }

    #[test]
    fn inherited_pods_are_marked_once_and_others_never() {
        let mut found = pods(&[DUCK, GOOSE, DUCK]);
        let tenure = inheriting(&["p0", "p1"]);
        let leader = holder("pond-1", "p1");
        let first = plan(&found, leader.as_ref(), &tenure);
        assert_eq!(names(&first), (vec!["pond-0"], Some("pond-1")));
        assert!(first.inherits);

        for pod in &mut found {
            let annotations = Arc::make_mut(pod).annotations_mut();
            annotations.insert(OPERATOR_ANNOTATION.into(), tenure.mark.clone());
        }
        assert_eq!(plan(&found, leader.as_ref(), &tenure), LabelPlan::default());
    }
}
