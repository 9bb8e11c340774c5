//! Who may lead, who is next in line, and which pod is about to go.

use std::collections::HashSet;
use std::sync::Arc;

use api::GooseSettings;
use api::goose::Choice;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::pods::{has_uid, is_fenced, is_going, is_ready, node, ordinal};
use super::rollout::is_outdated;

/// What decides about the succession, beside the pods themselves.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// `spec.replicas`: a StatefulSet takes away the pods with ordinals from this one on.
    pub replicas: i32,
    /// Which pods may lead, and which of them first.
    pub goose: &'a GooseSettings,
    /// The revision that all pods are to have, where it is known.
    pub revision: Option<&'a str>,
    /// Names of the nodes that are cordoned, and perhaps about to be drained.
    pub cordoned: &'a HashSet<String>,
}

/// Why a pod is about to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The set shrinks.
    ScaleIn,
    /// It was deleted, or an eviction was granted: its workload is ending.
    Deletion,
    /// Its node is cordoned.
    Cordon,
    /// It is to be made anew from a changed template.
    Update,
}

impl Rules<'_> {
    /// Why the pod is about to go; `None` where it is to stay.
    pub fn leaving(&self, pod: &Pod) -> Option<Leaving> {
        if is_going(pod) {
            return Some(Leaving::Deletion);
        }
        let replicas = u32::try_from(self.replicas).unwrap_or_default();
        if ordinal(pod) >= replicas {
            return Some(Leaving::ScaleIn);
        }
        let cordoned = node(pod).is_some_and(|node| self.cordoned.contains(node));
        let outdated = self.revision.is_some_and(|revision| is_outdated(pod, revision));
        match (cordoned, outdated) {
            (true, _) => Some(Leaving::Cordon),
            (false, true) => Some(Leaving::Update),
            (false, false) => None,
        }
    }

    /// Whether the pod may not lead.
    pub fn is_barred(&self, pod: &Pod) -> bool {
        is_fenced(pod) || self.goose.never.iter().any(|choice| chooses(choice, pod))
    }

    /// The place of the first entry of the priorities that names the pod.
    pub fn rank(&self, pod: &Pod) -> usize {
        let priorities = &self.goose.priorities;
        let place = priorities.iter().position(|choice| chooses(choice, pod));
        place.unwrap_or(priorities.len())
    }

    /// The uids of the members that may not lead.
    pub fn barred(&self, members: &[Arc<Pod>]) -> Vec<String> {
        let mut barred: Vec<String> =
            members.iter().filter(|pod| self.is_barred(pod)).filter_map(|pod| pod.uid()).collect();
        barred.sort();
        barred
    }

    /// The ready members that may lead and are next in line after the pod with the uid `goose`.
    ///
    /// Those that are about to go come last: the role would only move once more. Then it is by the
    /// priorities. Low ordinals come first, since the highest ones go when the set shrinks.
    pub fn line(&self, members: &[Arc<Pod>], goose: Option<&str>) -> Vec<Arc<Pod>> {
        let is_goose = |pod: &Pod| goose.is_some_and(|goose| has_uid(pod, goose));
        let may_follow = |pod: &&Arc<Pod>| is_ready(pod) && !is_goose(pod) && !self.is_barred(pod);
        let mut line: Vec<Arc<Pod>> = members.iter().filter(may_follow).cloned().collect();
        line.sort_by_key(|pod| {
            (self.leaving(pod).is_some(), self.rank(pod), ordinal(pod), pod.name_any())
        });
        line
    }
}

fn chooses(choice: &Choice, pod: &Pod) -> bool {
    let number = choice.ordinal.and_then(|number| u32::try_from(number).ok());
    let by_ordinal = number == Some(ordinal(pod));
    let bears = |(key, value): (&String, &String)| pod.labels().get(key) == Some(value);
    by_ordinal || choice.match_labels.as_ref().is_some_and(|labels| labels.iter().all(bears))
}

/// The line as it is ordered: uids.
pub fn successors(line: &[Arc<Pod>]) -> Vec<String> {
    line.iter().filter_map(|pod| pod.uid()).take(LENGTH_OF_THE_LINE).collect()
}

/// Only the first two have a time of their own to try at, all others draw one. A few more are
/// named so that a pod that fails needs no write; not all thousand, since the Goose writes the
/// whole Lease with each renewal.
const LENGTH_OF_THE_LINE: usize = 4;

/// Rules for the tests of the decisions.
#[cfg(test)]
pub mod sample {
    use std::sync::LazyLock;

    use super::*;

    static ANY: LazyLock<GooseSettings> = LazyLock::new(GooseSettings::default);

    /// Any pod may lead, and none is updated.
    pub fn rules(replicas: i32, cordoned: &HashSet<String>) -> Rules<'_> {
        Rules { replicas, goose: &ANY, revision: None, cordoned }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use api::names::FENCED_ANNOTATION;

    use super::super::pods::sample::pod;
    use super::sample::rules;
    use super::*;

    fn set(ready: &[(u32, bool)]) -> Vec<Arc<Pod>> {
        ready.iter().map(|&(n, ready)| Arc::new(pod(n, "duck", ready))).collect()
    }

    #[test]
    fn ready_members_but_the_goose_by_ordinal() {
        let nowhere = HashSet::new();
        let rules = rules(1000, &nowhere);
        for (members, goose, wanted) in [
            (set(&[]), None, vec![]),
            (set(&[(2, true), (0, true), (1, true)]), Some("p0"), vec!["p1", "p2"]),
            (set(&[(0, true), (1, false), (2, true)]), None, vec!["p0", "p2"]),
            (set(&[(10, true), (9, true)]), Some("gone"), vec!["p9", "p10"]),
            (set(&[0, 1, 2, 3, 4, 5].map(|n| (n, true))), Some("p1"), vec!["p0", "p2", "p3", "p4"]),
        ] {
            assert_eq!(successors(&rules.line(&members, goose)), wanted);
        }
    }

    #[test]
    fn a_pod_that_is_being_deleted_succeeds_nobody() {
        let mut going = pod(0, "duck", true);
        let now = k8s_openapi::jiff::Timestamp::UNIX_EPOCH;
        going.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
        let nowhere = HashSet::new();
        let rules = rules(1, &nowhere);
        assert!(rules.line(&[Arc::new(going)], None).is_empty());
    }

    #[test]
    fn a_fenced_pod_succeeds_nobody_and_is_named() {
        let mut members = set(&[(0, true), (1, true)]);
        let fenced = Arc::make_mut(&mut members[0]);
        fenced.annotations_mut().insert(FENCED_ANNOTATION.into(), "true".into());
        let nowhere = HashSet::new();
        let rules = rules(2, &nowhere);
        assert_eq!(successors(&rules.line(&members, None)), ["p1"]);
        assert_eq!(rules.barred(&members), ["p0"]);
    }

    #[test]
    fn priorities_go_before_ordinals_and_never_is_never() {
        let mut members = set(&[0, 1, 2, 3].map(|n| (n, true)));
        Arc::make_mut(&mut members[2]).labels_mut().insert("zone".into(), "a".into());
        let ordinal = |ordinal| Choice { ordinal: Some(ordinal), match_labels: None };
        let labels = BTreeMap::from([("zone".to_owned(), "a".to_owned())]);
        let zone = Choice { ordinal: None, match_labels: Some(labels) };
        let goose = GooseSettings {
            priorities: vec![ordinal(3), zone],
            never: vec![ordinal(0)],
            ..GooseSettings::default()
        };
        let nowhere = HashSet::new();
        let rules = Rules { goose: &goose, ..rules(4, &nowhere) };
        assert_eq!(successors(&rules.line(&members, None)), ["p3", "p2", "p1"]);
        assert_eq!(rules.barred(&members), ["p0"]);
    }

    #[test]
    fn who_is_about_to_go_comes_last() {
        let cordoned = HashSet::from(["n0".to_owned()]);
        let rules = rules(3, &cordoned);
        let members = set(&[0, 1, 2, 3].map(|n| (n, true)));
        assert_eq!(successors(&rules.line(&members, Some("p1"))), ["p2", "p0", "p3"]);
        let reasons: Vec<_> = members.iter().map(|pod| rules.leaving(pod)).collect();
        assert_eq!(reasons, [Some(Leaving::Cordon), None, None, Some(Leaving::ScaleIn)]);
    }
}
