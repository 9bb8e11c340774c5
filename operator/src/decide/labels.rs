//! Rule 12, label truth: the role label is on one pod or none.
//!
//! The label is off every other pod before it is on the Goose's, so two writes that cross can
//! only leave it on nobody. Each write names the pod by uid and resourceVersion: a write that was
//! decided on an old sight of the pod fails, however late it arrives.
//!
//! A write can still be late without its pod having changed. That of an operator that ran before
//! this one and froze between its decision and its socket: so each pod that this operator found
//! when it started is written once, with the operator's mark, before its Goose is labelled. And
//! one of our own that was not answered: so its pod, if it is still the same version, is marked
//! anew. A mark changes the pod's resourceVersion, and what is on its way conflicts. Pods that came
//! later no predecessor can have seen, and they cost nothing.

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
    /// The pod as it was seen.
    pub target: PodVersion,
    /// A merge patch that only this very version of the pod accepts.
    pub patch: Value,
}

/// One version of one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodVersion {
    /// Name of the pod.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub version: String,
}

impl PodVersion {
    /// The pod as it is seen.
    pub fn of(pod: &Pod) -> PodVersion {
        PodVersion {
            name: pod.name_any(),
            uid: pod.uid().unwrap_or_default(),
            version: pod.resource_version().unwrap_or_default(),
        }
    }

    /// Whether one of the pods is still of this version.
    pub fn is_still_so(&self, pods: &[Arc<Pod>]) -> bool {
        pods.iter().any(|pod| PodVersion::of(pod) == *self)
    }
}

/// What to write so that the pod of the holder, and no other of the cluster's pods, is the Goose.
///
/// A holder whose pod is not among them is labelled nowhere: there may be no such pod any more.
/// To the `unsettled` ones a write of ours is perhaps still on its way.
pub fn plan(
    pods: &[Arc<Pod>],
    holder: Option<&Incarnation>,
    tenure: &Tenure,
    unsettled: &[PodVersion],
) -> LabelPlan {
    let mut plan = LabelPlan::default();
    for pod in pods {
        let role = if holder.is_some_and(|holder| runs_in(holder, pod)) { GOOSE } else { DUCK };
        let target = PodVersion::of(pod);
        let unmarked = tenure.inherited.contains(&target.uid) && !is_marked(pod, tenure);
        let to_mark = unmarked || unsettled.contains(&target);
        if label(pod) == Some(role) && !to_mark {
            continue;
        }
        plan.inherits |= unmarked;
        let write = write(target, role, to_mark.then_some(tenure));
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

fn is_marked(pod: &Pod, tenure: &Tenure) -> bool {
    let mark = pod.annotations().get(OPERATOR_ANNOTATION);
    mark.is_some_and(|mark| mark.starts_with(&tenure.mark))
}

fn write(target: PodVersion, role: &str, marked_by: Option<&Tenure>) -> LabelWrite {
    let mut patch = json!({ "metadata": {
        "uid": target.uid,
        "resourceVersion": target.version,
        "labels": { ROLE_LABEL: role },
    }});
    if let Some(Tenure { mark, .. }) = marked_by {
        // With the version, each mark differs from the one before: what changes nothing is not
        // written, and leaves the resourceVersion as it is.
        let mark = format!("{mark}.{}", target.version);
        patch["metadata"]["annotations"] = json!({ OPERATOR_ANNOTATION: mark });
    }
    LabelWrite { target, patch }
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
        let ducks = plan.ducks.iter().map(|write| write.target.name.as_str()).collect();
        (ducks, plan.goose.as_ref().map(|write| write.target.name.as_str()))
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
            let plan = plan(&pods(&roles), holder.as_ref(), &Tenure::default(), &[]);
            assert_eq!(names(&plan), (ducks, goose), "{roles:?} {holder:?}");
        }
    }

    #[test]
    fn each_write_names_the_very_version_of_the_pod_that_was_seen() {
        let plan = plan(&pods(&[GOOSE]), None, &Tenure::default(), &[]);
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
        let first = plan(&found, leader.as_ref(), &tenure, &[]);
        assert_eq!(names(&first), (vec!["pond-0"], Some("pond-1")));
        assert!(first.inherits);

        for pod in &mut found {
            let annotations = Arc::make_mut(pod).annotations_mut();
            annotations.insert(OPERATOR_ANNOTATION.into(), tenure.mark.clone());
        }
        assert_eq!(plan(&found, leader.as_ref(), &tenure, &[]), LabelPlan::default());
    }

    #[test]
    fn a_pod_that_a_write_may_still_arrive_at_is_marked_before_another_is_goose() {
        // "Goose on pond-0" was not answered, and then pond-1 took over.
        let mut found = pods(&[DUCK, DUCK]);
        let unsettled = [PodVersion::of(&found[0])];
        let leader = holder("pond-1", "p1");
        let plan_now =
            |found: &[Arc<Pod>]| plan(found, leader.as_ref(), &inheriting(&[]), &unsettled);
        let first = plan_now(&found);
        assert_eq!(names(&first), (vec!["pond-0"], Some("pond-1")));
        let mark = &first.ducks[0].patch["metadata"]["annotations"][OPERATOR_ANNOTATION];
        assert_eq!(mark, "run-2.100");
        assert!(!first.inherits);

        Arc::make_mut(&mut found[0]).metadata.resource_version = Some("200".into());
        assert_eq!(names(&plan_now(&found)), (vec![], Some("pond-1")));
    }
}
