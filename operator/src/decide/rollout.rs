//! A changed template: Ducks first, the Goose last.
//!
//! The StatefulSet makes each pod anew from the template as it is then; which pod goes, and when,
//! is decided here. A pod that does not come up takes the budget with it, so a rollout that breaks
//! its pods stops by itself, with the Goose untouched.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;

use super::labels::PodVersion;
use super::pods::{has_uid, is_going, is_ready, ordinal, ready_for};

/// What a rollout is decided from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Pods of the cluster's StatefulSet.
    pub members: &'a [Arc<Pod>],
    /// The revision that they are to have.
    pub revision: &'a str,
    /// How many the StatefulSet is to have.
    pub replicas: i32,
    /// How many of them may be missing or not ready.
    pub max_unavailable: i32,
    /// For how long a pod must have been ready to count as such.
    pub min_ready: Duration,
    /// The time now, to compare with what pods say.
    pub time: Timestamp,
    /// The uid of the Goose's pod; `None` while nobody is Goose.
    pub goose: Option<&'a str>,
    /// Whether the Goose's pod is kept for a hand-over yet.
    pub kept: bool,
}

/// A pod that is to be made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Evict it, as far as disruption budgets allow.
    Evict(PodVersion),
    /// Delete it: it serves nobody, or it is the last one and its turn has come.
    Delete(PodVersion),
}

/// The revision to which the StatefulSet updates its pods, if its controller has seen the newest
/// template.
pub fn revision(set: &StatefulSet) -> Option<&str> {
    let status = set.status.as_ref()?;
    let current = status.observed_generation >= set.metadata.generation;
    status.update_revision.as_deref().filter(|_| current)
}

/// Whether the pod was made from another template than that of this revision.
pub fn is_outdated(pod: &Pod, revision: &str) -> bool {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(REVISION_LABEL)).is_some_and(|label| label != revision)
}

/// The pods that are to go now, so that they are made anew.
pub fn removals(now: Situation) -> Vec<Removal> {
    let is_goose = |pod: &Pod| now.goose.is_some_and(|goose| has_uid(pod, goose));
    let mut outdated: Vec<&Arc<Pod>> =
        now.members.iter().filter(|pod| is_outdated(pod, now.revision) && !is_going(pod)).collect();
    outdated.sort_by_key(|pod| std::cmp::Reverse(ordinal(pod)));
    let (goose, ducks): (Vec<_>, Vec<_>) = outdated.into_iter().partition(|pod| is_goose(pod));
    if let [goose] = goose[..]
        && ducks.is_empty()
    {
        let its_turn = !now.kept && now.unavailable_besides(goose) == 0;
        return if its_turn { vec![Removal::Delete(PodVersion::of(goose))] } else { vec![] };
    }
    let (ready, broken): (Vec<_>, Vec<_>) = ducks.into_iter().partition(|pod| is_ready(pod));
    // While nobody is Goose, the next one may be any that is ready.
    let allowed = if now.goose.is_some() { now.max_unavailable - now.unavailable() } else { 0 };
    let allowed = usize::try_from(allowed).unwrap_or_default();
    let broken = broken.into_iter().map(|pod| Removal::Delete(PodVersion::of(pod)));
    let ready = ready.into_iter().take(allowed).map(|pod| Removal::Evict(PodVersion::of(pod)));
    broken.chain(ready).collect()
}

/// Whether all members but the Goose are as the revision wants them, and ready.
pub fn ducks_are_done(now: Situation) -> bool {
    let is_goose = |pod: &Pod| now.goose.is_some_and(|goose| has_uid(pod, goose));
    let Some(goose) = now.members.iter().find(|pod| is_goose(pod)) else { return false };
    let others = || now.members.iter().filter(|pod| !is_goose(pod));
    others().all(|pod| !is_outdated(pod, now.revision)) && now.unavailable_besides(goose) == 0
}

/// After which time a pod will have been ready for long enough, where a rollout waits for that.
pub fn next_look(now: Situation) -> Option<Duration> {
    now.members.iter().find(|pod| is_outdated(pod, now.revision))?;
    let left = |pod: &Arc<Pod>| now.min_ready.checked_sub(ready_for(pod, now.time)?);
    now.members.iter().filter_map(left).filter(|left| !left.is_zero()).min()
}

impl Situation<'_> {
    /// How many pods are missing, not ready, or not for long enough.
    fn unavailable(&self) -> i32 {
        let available = self.members.iter().filter(|pod| self.is_available(pod)).count();
        self.replicas.saturating_sub(i32::try_from(available).unwrap_or(i32::MAX)).max(0)
    }

    /// The same of all but this one.
    fn unavailable_besides(&self, pod: &Pod) -> i32 {
        self.unavailable() - i32::from(!self.is_available(pod))
    }

    fn is_available(&self, pod: &Pod) -> bool {
        !is_going(pod) && ready_for(pod, self.time).is_some_and(|span| span >= self.min_ready)
    }
}

/// Kubernetes' own label of a StatefulSet's pod.
const REVISION_LABEL: &str = "controller-revision-hash";

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use kube::ResourceExt;

    use super::super::pods::sample;
    use super::*;

    /// One pod at a time, led by the first of them.
    fn situation(members: &[Arc<Pod>]) -> Situation<'_> {
        Situation {
            members,
            revision: "n",
            replicas: i32::try_from(members.len()).unwrap(),
            max_unavailable: 1,
            min_ready: Duration::ZERO,
            time: Timestamp::UNIX_EPOCH,
            goose: Some("p0"),
            kept: false,
        }
    }

    /// Pods in order: of the `o`ld or `n`ew revision, in capitals where they are ready.
    fn members(states: &str) -> Vec<Arc<Pod>> {
        let pods = states.chars().zip(0..).map(|(state, n)| {
            let mut pod = sample::pod(n, "duck", state.is_uppercase());
            let revision = state.to_ascii_lowercase().to_string();
            pod.labels_mut().insert(REVISION_LABEL.into(), revision);
            Arc::new(pod)
        });
        pods.collect()
    }

    #[test]
    fn ducks_go_first_and_the_goose_last() {
        for (what, states, goose, max_unavailable, kept, wanted) in [
            ("nothing to do", "NNN", Some("p0"), 1, false, vec![]),
            ("the highest Duck first", "OOO", Some("p0"), 1, false, vec!["evict pond-2"]),
            ("never the Goose", "OOO", Some("p2"), 1, false, vec!["evict pond-1"]),
            ("two at a time", "OOOO", Some("p3"), 2, false, vec!["evict pond-2", "evict pond-1"]),
            ("one has not come up", "OOn", Some("p0"), 1, false, vec![]),
            ("one is missing", "OO", Some("p0"), 1, false, vec![]),
            ("one of two has not come up", "OOn", Some("p0"), 2, false, vec!["evict pond-1"]),
            ("who serves nobody costs nothing", "OoN", Some("p0"), 1, false, vec!["delete pond-1"]),
            ("the Goose is kept", "ONN", Some("p0"), 1, true, vec![]),
            ("and then goes", "ONN", Some("p0"), 1, false, vec!["delete pond-0"]),
            ("not while a Duck is not ready", "ONn", Some("p0"), 1, false, vec![]),
            ("the old Goose is a Duck", "ONN", Some("p1"), 1, false, vec!["evict pond-0"]),
            ("nobody is Goose", "OOO", None, 1, false, vec![]),
            (
                "nobody can be",
                "ooo",
                None,
                1,
                false,
                vec!["delete pond-2", "delete pond-1", "delete pond-0"],
            ),
        ] {
            let members = members(states);
            let replicas = if states.len() == 2 { 3 } else { i32::try_from(states.len()).unwrap() };
            let now = Situation { replicas, max_unavailable, goose, kept, ..situation(&members) };
            let found: Vec<String> = removals(now)
                .into_iter()
                .map(|removal| match removal {
                    Removal::Evict(pod) => format!("evict {}", pod.name),
                    Removal::Delete(pod) => format!("delete {}", pod.name),
                })
                .collect();
            assert_eq!(found, wanted, "{what}");
        }
    }

    #[test]
    fn the_goose_alone_is_made_anew_without_a_hand_over() {
        let members = members("O");
        let now = situation(&members);
        assert!(ducks_are_done(now));
        assert!(matches!(removals(now)[..], [Removal::Delete(_)]));
    }

    #[test]
    fn a_pod_that_has_just_become_ready_does_not_count_yet() {
        let mut members = members("ON");
        let status = Arc::make_mut(&mut members[1]).status.as_mut().unwrap();
        let ready = &mut status.conditions.as_mut().unwrap()[0];
        ready.last_transition_time = Some(Time(Timestamp::UNIX_EPOCH));
        for (second, wanted) in [(3, Some(Duration::from_secs(2))), (5, None)] {
            let time = Timestamp::from_second(second).unwrap();
            let now = Situation { time, min_ready: Duration::from_secs(5), ..situation(&members) };
            assert_eq!(next_look(now), wanted);
            assert_eq!(ducks_are_done(now), wanted.is_none());
        }
    }
}
