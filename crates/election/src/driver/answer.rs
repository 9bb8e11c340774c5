//! What an answer of the API server means, and what its absence does.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as Object;
use kube::core::Status;

use crate::driver::event::WriteFailure;
use crate::driver::object;
use crate::member::Outcome;

/// Why a call to the API server brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("wanted a kubeconfig or a pod's own service account, found neither usable: {0}")]
    NoServer(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("{}", .0.message)]
    Said(#[source] Box<Status>),
    #[error("the API server did not answer in time")]
    Silent,
    #[error("{}", with_causes(.0))]
    Broken(#[source] Box<kube::Error>),
    #[error("wanted a Lease with a uid and a whole number as resourceVersion, found neither")]
    NotALease,
    #[error("the Lease is not the version any more that was to be written")]
    Outdated,
}

impl CallError {
    /// Whether the watch cannot be taken up again without a gap.
    pub(super) fn is_gap(&self) -> bool {
        matches!(self, CallError::Said(status) if status.code == 410)
    }

    /// What it was for a write, in as few words as a metric has.
    pub(super) fn of_a_write(&self) -> WriteFailure {
        match self {
            CallError::Outdated => WriteFailure::Conflict,
            CallError::Said(status) if matches!(status.code, 404 | 409 | 410) => {
                WriteFailure::Conflict
            }
            CallError::Said(_) => WriteFailure::Denied,
            CallError::Silent => WriteFailure::TimedOut,
            CallError::NoServer(_) | CallError::Broken(_) | CallError::NotALease => {
                WriteFailure::Broken
            }
        }
    }

    /// Whether the connection or the token may be to blame.
    pub(super) fn is_of_the_client(&self) -> bool {
        !matches!(self, CallError::Said(status) if status.code != 401)
    }
}

impl From<kube::Error> for CallError {
    fn from(error: kube::Error) -> CallError {
        match error {
            kube::Error::Api(status) => CallError::Said(status),
            other => CallError::Broken(Box::new(other)),
        }
    }
}

/// What became of a write. Only the API server's word that the precondition
/// did not hold is a refusal; all else may have been applied, or may yet be.
pub(super) fn outcome(answer: &Result<Arc<Object>, CallError>) -> Outcome {
    let pause = |seconds| Outcome::Unknown { retry_after: Duration::from_secs(seconds) };
    match answer {
        Ok(object) => object::lease(object).map_or(pause(0), Outcome::Applied),
        Err(CallError::Outdated) => Outcome::Refused,
        Err(CallError::Said(status)) => match (status.code, &status.details) {
            (404 | 409 | 410, _) => Outcome::Refused,
            (_, Some(details)) if details.retry_after_seconds > 0 => {
                pause(details.retry_after_seconds.into())
            }
            // Nothing that a quick repetition would mend.
            (401 | 403 | 422 | 429, _) => pause(1),
            _ => pause(0),
        },
        Err(_) => pause(0),
    }
}

/// kube's errors leave out what they were caused by.
fn with_causes(error: &kube::Error) -> String {
    let first: Option<&dyn std::error::Error> = Some(error);
    let chain = std::iter::successors(first, |error| error.source());
    chain.last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: u16, retry_after_seconds: u32) -> Result<Arc<Object>, CallError> {
        let status = serde_json::json!({
            "code": code,
            "details": {"retryAfterSeconds": retry_after_seconds},
        });
        Err(CallError::Said(serde_json::from_value(status).unwrap()))
    }

    #[test]
    fn only_a_failed_precondition_is_a_refusal() {
        for code in [404, 409, 410] {
            assert_eq!(outcome(&said(code, 0)), Outcome::Refused, "{code}");
        }
        assert_eq!(outcome(&Err(CallError::Outdated)), Outcome::Refused);
        let unknown = |retry_after| Outcome::Unknown { retry_after };
        for (code, seconds, wanted) in [(500, 0, 0), (504, 3, 3), (429, 2, 2), (429, 0, 1)] {
            let wanted = unknown(Duration::from_secs(wanted));
            assert_eq!(outcome(&said(code, seconds)), wanted, "{code}");
        }
        for code in [401, 403, 422] {
            assert_eq!(outcome(&said(code, 0)), unknown(Duration::from_secs(1)), "{code}");
        }
        assert_eq!(outcome(&Err(CallError::Silent)), unknown(Duration::ZERO));
    }

    #[test]
    fn a_write_that_failed_is_of_one_of_four_kinds() {
        let failure = |error: Result<_, CallError>| error.unwrap_err().of_a_write();
        assert_eq!(failure(said(409, 0)), WriteFailure::Conflict);
        assert_eq!(failure(said(403, 0)), WriteFailure::Denied);
        assert_eq!(failure(said(429, 1)), WriteFailure::Denied);
        assert_eq!(failure(Err(CallError::Silent)), WriteFailure::TimedOut);
        assert_eq!(failure(Err(CallError::NotALease)), WriteFailure::Broken);
    }

    #[test]
    fn an_answer_that_is_no_lease_tells_nothing() {
        let odd = Ok(Arc::new(Object::default()));
        assert_eq!(outcome(&odd), Outcome::Unknown { retry_after: Duration::ZERO });
    }
}
