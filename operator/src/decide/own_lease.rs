//! The Lease that the operator's replicas elect their leader by.
//!
//! Each replica keeps it: who leads cannot be asked to, for without it nobody does. All of them
//! come to the same decision, and compare and swap lets one write win.

use election::keeper::{self, Chore};
use election::lease::Orders;
use election::timing::Timing;
use k8s_openapi::api::coordination::v1::Lease;

use super::lease::{ordered, read};
use crate::stores::Scope;

/// What is to be done to the Lease.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnStep {
    /// It is as it should be, or of a format that only a later version understands.
    Nothing,
    /// Make it, unstamped.
    Create,
    /// Replace exactly the version that was seen by this one.
    Replace(Box<Lease>),
    /// Delete exactly the version that was seen: a version of the operator with another lease
    /// made it, and the duration belongs to the object (rule 9).
    Delete,
}

/// Name of the Lease. The dot keeps it apart from the Leases of all clusters, whose names have
/// none; and operators with different scopes from each other.
pub fn name(scope: &Scope) -> String {
    match scope {
        Scope::AllNamespaces => "operator.duckduckgoose.dev".to_owned(),
        Scope::Namespace(namespace) => format!("operator.{namespace}.duckduckgoose.dev"),
    }
}

/// What is to be done to this version of the Lease.
///
/// The lease is the same for all versions of the operator so far. One that changes it must also
/// raise what is waited out here (rule 6).
pub fn step(lease: Option<&Lease>) -> OwnStep {
    let Some(lease) = lease else { return OwnStep::Create };
    let timing = Timing::default();
    let orders = Orders { timing: Some(timing), ..Orders::default() };
    let replace = |quarantine| OwnStep::Replace(Box::new(ordered(lease, &orders, quarantine)));
    match keeper::chore(&read(lease), &orders, timing.lease()) {
        None | Some(Chore::LeaveAlone(_)) => OwnStep::Nothing,
        Some(Chore::Quarantine { record, .. }) => replace(Some(&record)),
        Some(Chore::GiveOrders) => replace(None),
        Some(Chore::Recreate) => OwnStep::Delete,
    }
}

#[cfg(test)]
mod tests {
    use election::lease::{DURATION, PAUSED};
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;

    fn unstamped() -> Lease {
        serde_json::from_value(json!({
            "metadata": { "name": "operator", "uid": "l", "resourceVersion": "7" },
        }))
        .unwrap()
    }

    fn replaced(lease: &Lease) -> Lease {
        match step(Some(lease)) {
            OwnStep::Replace(lease) => *lease,
            other => panic!("wanted it replaced, found {other:?}"),
        }
    }

    #[test]
    fn it_is_made_stamped_and_then_left_alone() {
        assert_eq!(step(None), OwnStep::Create);
        let stamped = replaced(&unstamped());
        assert!(read(&stamped).stamped);
        assert!(read(&stamped).record.unwrap().is_quarantine());
        assert_eq!(stamped.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(step(Some(&stamped)), OwnStep::Nothing);
    }

    #[test]
    fn orders_that_nobody_gave_go_and_another_duration_makes_a_new_one() {
        let mut edited = replaced(&unstamped());
        edited.annotations_mut().insert(PAUSED.into(), "true".into());
        assert_eq!(replaced(&edited).annotations().get(PAUSED), None);
        edited.annotations_mut().insert(DURATION.into(), "9000".into());
        assert_eq!(step(Some(&edited)), OwnStep::Delete);
    }

    #[test]
    fn scopes_have_leases_of_their_own_and_no_cluster_has_such_a_name() {
        let names = [Scope::AllNamespaces, Scope::Namespace("a".into())].map(|scope| name(&scope));
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.contains('.')));
    }
}
