//! Who is next in line.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::pods::{has_uid, is_ready, ordinal};

/// The uids of the ready members that are next in line after the pod with the uid `goose`. Low
/// ordinals first: the highest ones go when the set shrinks.
pub fn successors(members: &[Arc<Pod>], goose: Option<&str>) -> Vec<String> {
    let is_goose = |pod: &Pod| goose.is_some_and(|goose| has_uid(pod, goose));
    let mut line: Vec<&Arc<Pod>> =
        members.iter().filter(|pod| is_ready(pod) && !is_goose(pod)).collect();
    line.sort_by_key(|pod| (ordinal(pod), pod.name_any()));
    line.into_iter().filter_map(|pod| pod.uid()).take(LENGTH_OF_THE_LINE).collect()
}

/// Only the first two have a time of their own to try at, all others draw one. A few more are
/// named so that a pod that fails needs no write; not all thousand, since the Goose writes the
/// whole Lease with each renewal.
const LENGTH_OF_THE_LINE: usize = 4;

#[cfg(test)]
mod tests {
    use super::super::pods::sample::pod;
    use super::*;

    #[test]
    fn ready_members_but_the_goose_by_ordinal() {
        let set = |ready: &[(u32, bool)]| -> Vec<Arc<Pod>> {
            ready.iter().map(|&(n, ready)| Arc::new(pod(n, "duck", ready))).collect()
        };
        for (members, goose, wanted) in [
            (set(&[]), None, vec![]),
            (set(&[(2, true), (0, true), (1, true)]), Some("p0"), vec!["p1", "p2"]),
            (set(&[(0, true), (1, false), (2, true)]), None, vec!["p0", "p2"]),
            (set(&[(10, true), (9, true)]), Some("gone"), vec!["p9", "p10"]),
            (set(&[0, 1, 2, 3, 4, 5].map(|n| (n, true))), Some("p1"), vec!["p0", "p2", "p3", "p4"]),
        ] {
            assert_eq!(successors(&members, goose), wanted);
        }
    }

    #[test]
    fn a_pod_that_is_being_deleted_succeeds_nobody() {
        let mut going = pod(0, "duck", true);
        let now = k8s_openapi::jiff::Timestamp::UNIX_EPOCH;
        going.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
        assert!(successors(&[Arc::new(going)], None).is_empty());
    }
}
