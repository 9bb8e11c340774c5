//! The PodDisruptionBudget of a cluster: as many of its pods may go at a time as for an update.
//!
//! The Goose's pod counts like any other. Its role moves while its workload ends, so nobody who asks for
//! its eviction has to wait for that.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::owner::Owner;

/// The budget of the pods. Where one `is_alone`, ready while no other is, it may go: a drain that waited for
/// pods that do not come up would hang.
///
/// It is a number of pods that stay, not of those that may go: the latter would be taken from all pods
/// of the StatefulSet, also from those that it has on top for a moment.
pub fn budget(
    owner: &Owner,
    replicas: i32,
    max_unavailable: i32,
    is_alone: bool,
) -> PodDisruptionBudget {
    let stay = if is_alone { 0 } else { replicas.saturating_sub(max_unavailable).max(0) };
    let spec = PodDisruptionBudgetSpec {
        min_available: Some(IntOrString::Int(stay)),
        selector: Some(LabelSelector {
            match_labels: Some(owner.selector()),
            match_expressions: None,
        }),
        // Who is not ready serves nobody, and may keep no node from being drained.
        unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
        ..PodDisruptionBudgetSpec::default()
    };
    PodDisruptionBudget {
        metadata: owner.metadata(&owner.name),
        spec: Some(spec),
        ..PodDisruptionBudget::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_pods_may_go_as_for_an_update() {
        let owner = Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() };
        for (replicas, max_unavailable, is_alone, wanted) in [
            (0, 1, false, 0),
            (1, 1, true, 0),
            (2, 1, false, 1),
            (3, 1, false, 2),
            (5, 2, false, 3),
            (3, 1000, false, 0),
            (3, 1, true, 0),
        ] {
            let found = budget(&owner, replicas, max_unavailable, is_alone).spec.unwrap();
            let wanted = Some(IntOrString::Int(wanted));
            assert_eq!(found.min_available, wanted, "{replicas} {max_unavailable} {is_alone}");
        }
    }
}
