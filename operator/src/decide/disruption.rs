//! The PodDisruptionBudgets: one for the Goose's pod, one for those of the Ducks. No pod is in both,
//! since of a pod in two budgets no eviction is granted at all.
//!
//! Who drains a node cordons it, and asks for evictions again and again. The Goose's budget refuses
//! while its role is moved; then its pod is a Duck's, and may go.

use api::names::{DUCK, GOOSE, ROLE_LABEL, ducks_service, goose_service};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::owner::Owner;

/// The budget of the Goose's pod. It is kept only while it can be moved (`may_move`): otherwise a
/// drain would hang.
pub fn goose(owner: &Owner, may_move: bool) -> PodDisruptionBudget {
    budget(owner, goose_service(&owner.name), GOOSE, i32::from(may_move))
}

/// The budget of the Ducks' pods: as many of them may go at a time as for an update.
pub fn ducks(owner: &Owner, replicas: i32, max_unavailable: i32) -> PodDisruptionBudget {
    let ducks = replicas.saturating_sub(1);
    let stay = ducks.saturating_sub(max_unavailable).max(0);
    budget(owner, ducks_service(&owner.name), DUCK, stay)
}

/// A number of pods that stay, not of those that may go: the latter would be taken from all pods
/// of the StatefulSet.
fn budget(owner: &Owner, name: String, role: &str, stay: i32) -> PodDisruptionBudget {
    let mut selector = owner.selector();
    selector.insert(ROLE_LABEL.to_owned(), role.to_owned());
    let spec = PodDisruptionBudgetSpec {
        min_available: Some(IntOrString::Int(stay)),
        selector: Some(LabelSelector { match_labels: Some(selector), match_expressions: None }),
        // Who is not ready serves nobody, and may keep no node from being drained.
        unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
        ..PodDisruptionBudgetSpec::default()
    };
    PodDisruptionBudget {
        metadata: owner.metadata(&name),
        spec: Some(spec),
        ..PodDisruptionBudget::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() }
    }

    fn stay(budget: &PodDisruptionBudget) -> Option<IntOrString> {
        budget.spec.as_ref()?.min_available.clone()
    }

    #[test]
    fn as_many_ducks_may_go_as_for_an_update() {
        for (replicas, max_unavailable, wanted) in
            [(0, 1, 0), (1, 1, 0), (2, 1, 0), (3, 1, 1), (5, 1, 3), (5, 2, 2), (3, 1000, 0)]
        {
            let found = stay(&ducks(&owner(), replicas, max_unavailable));
            assert_eq!(found, Some(IntOrString::Int(wanted)), "{replicas} {max_unavailable}");
        }
    }

    #[test]
    fn the_goose_stays_only_while_it_can_be_moved() {
        assert_eq!(stay(&goose(&owner(), true)), Some(IntOrString::Int(1)));
        assert_eq!(stay(&goose(&owner(), false)), Some(IntOrString::Int(0)));
    }

    #[test]
    fn no_pod_is_in_both_budgets() {
        let role = |budget: PodDisruptionBudget| {
            let selector = budget.spec.unwrap().selector.unwrap();
            selector.match_labels.unwrap()[ROLE_LABEL].clone()
        };
        assert_ne!(role(goose(&owner(), true)), role(ducks(&owner(), 3, 1)));
    }
}
