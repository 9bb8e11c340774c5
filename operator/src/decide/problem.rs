//! What keeps a cluster from being as its spec wants it, for people.

use api::status::reconciled;

use super::owner::Standing;
use crate::api_error::{CallFailed, Treatment};

/// A problem that people should know of; it becomes a condition and an Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From the fixed list of the condition `Reconciled`.
    pub reason: &'static str,
    /// What was wanted, what was found, and what to do.
    pub message: String,
}

impl Problem {
    /// What people should know about a failed call; `None` where it only is to be tried again.
    pub fn from_failure(failure: &CallFailed) -> Option<Problem> {
        let reason = match failure.treatment {
            Treatment::Refused => reconciled::OBJECT_REFUSED,
            Treatment::Forbidden => reconciled::FORBIDDEN,
            Treatment::LookAgain
            | Treatment::Gone
            | Treatment::GoingAway
            | Treatment::After(_)
            | Treatment::Again => return None,
        };
        Some(Problem { reason, message: failure.to_string() })
    }

    /// What people should know about an object, `StatefulSet pond` for example, that bears a name
    /// which the cluster needs; `None` where it is this cluster's own.
    pub fn from_standing(object: &str, standing: &Standing) -> Option<Problem> {
        let (reason, message) = match standing {
            Standing::Ours => return None,
            Standing::Predecessor => (
                reconciled::PREDECESSOR_RUNNING,
                format!(
                    "{object} belongs to a deleted cluster of the same name: \
                     waiting for the garbage collector to delete it"
                ),
            ),
            Standing::Unowned => (
                reconciled::NAME_TAKEN,
                format!(
                    "{object} exists and was not made for this cluster: \
                     delete or rename it, or give the cluster another name"
                ),
            ),
            Standing::Foreign(whose) => (
                reconciled::NAME_TAKEN,
                format!(
                    "{object} exists and belongs to {whose}: \
                     delete or rename it, or give the cluster another name"
                ),
            ),
        };
        Some(Problem { reason, message })
    }
}
