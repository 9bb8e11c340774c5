//! What each error of the API server means for the operator, in one place.

use std::time::Duration;

use kube::core::Status;
use kube::core::response::StatusCause;

/// A call that did not succeed: what it was for, what went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wanted to {doing}, but {message}")]
pub struct CallFailed {
    /// What the call was for, as the end of "wanted to".
    pub doing: String,
    /// The API server's own words, or those of the connection.
    pub message: String,
    /// What to do about it.
    pub treatment: Treatment,
}

/// What to do about a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// The decision was made on an old version, or somebody was quicker: look again soon.
    LookAgain,
    /// The object is not there. For a write that wanted it changed, there is nothing to change.
    Gone,
    /// The API server will say the same again until somebody changes something: tell people, and
    /// ask again rarely.
    Refused,
    /// A permission is missing: tell people, and ask again now and then, for it may be granted.
    Forbidden,
    /// The namespace is being deleted, and all in it will go: nothing is to be made in it.
    GoingAway,
    /// The API server asks to be left alone for this long.
    After(Duration),
    /// The API server or the way to it is in trouble: again, slower each time.
    Again,
}

impl CallFailed {
    /// What an error of kube means for a call that was for `doing`.
    pub fn new(doing: &str, error: &kube::Error) -> CallFailed {
        let (treatment, message) = match error {
            kube::Error::Api(status) => (treatment(status), status.message.clone()),
            other => (Treatment::Again, other.to_string()),
        };
        CallFailed { doing: doing.to_owned(), message, treatment }
    }

    /// Whether the call is to be made once more while what was asked before it is fresh: else it could
    /// be the one call of each pass that is refused.
    pub fn is_worth_once_more(&self) -> bool {
        self.treatment == Treatment::Again
    }

    /// A call for `doing` that was not answered within `bound`.
    pub fn timed_out(doing: &str, bound: Duration) -> CallFailed {
        let message = format!("the API server did not answer within {bound:?}");
        CallFailed { doing: doing.to_owned(), message, treatment: Treatment::Again }
    }
}

/// What to do about a failure that the API server answered with.
fn treatment(status: &Status) -> Treatment {
    let asked_to_wait = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    match status.code {
        403 if namespace_is_terminating(status) => Treatment::GoingAway,
        401 | 403 => Treatment::Forbidden,
        404 => Treatment::Gone,
        409 | 410 => Treatment::LookAgain,
        422 if is_another_object(status) => Treatment::LookAgain,
        429 => Treatment::After(Duration::from_secs(asked_to_wait.max(1).into())),
        400..=499 => Treatment::Refused,
        // What server-side apply says of a list with two entries of one key, for example.
        500 if status.message.contains("typed patch object") => Treatment::Refused,
        _ if asked_to_wait > 0 => Treatment::After(Duration::from_secs(asked_to_wait.into())),
        _ => Treatment::Again,
    }
}

fn namespace_is_terminating(status: &Status) -> bool {
    causes(status).any(|cause| cause.reason == "NamespaceTerminating")
}

/// A write that names an object by its uid, and found another one by that name, is told that the
/// uid cannot be changed.
fn is_another_object(status: &Status) -> bool {
    causes(status).any(|cause| cause.field == "metadata.uid")
}

fn causes(status: &Status) -> impl Iterator<Item = &StatusCause> {
    status.details.iter().flat_map(|details| &details.causes)
}

#[cfg(test)]
mod tests {
    use kube::core::response::StatusDetails;

    use super::*;

    /// An answer with one cause, whose reason or field is this.
    fn answer(code: u16, retry_after_seconds: u32, cause: &str) -> Status {
        let (reason, field) = (cause.to_owned(), cause.to_owned());
        let causes = vec![StatusCause { reason, message: String::new(), field }];
        let details = StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes,
            retry_after_seconds,
        };
        Status { code, details: Some(details), ..Status::default() }
    }

    #[test]
    fn each_answer_has_its_treatment() {
        let s = Duration::from_secs;
        for (code, retry_after, cause, wanted) in [
            (400, 0, "", Treatment::Refused),
            (401, 0, "", Treatment::Forbidden),
            (403, 0, "", Treatment::Forbidden),
            (403, 0, "NamespaceTerminating", Treatment::GoingAway),
            (404, 0, "", Treatment::Gone),
            (409, 0, "", Treatment::LookAgain),
            (410, 0, "", Treatment::LookAgain),
            (413, 0, "", Treatment::Refused),
            (422, 0, "spec.template", Treatment::Refused),
            (422, 0, "metadata.uid", Treatment::LookAgain),
            // Priority and fairness answers in plain text, with the time in a header that kube drops.
            (429, 0, "", Treatment::After(s(1))),
            (429, 7, "", Treatment::After(s(7))),
            (500, 0, "", Treatment::Again),
            (503, 0, "", Treatment::Again),
            (503, 3, "", Treatment::After(s(3))),
            (504, 1, "", Treatment::After(s(1))),
        ] {
            let found = treatment(&answer(code, retry_after, cause));
            assert_eq!(found, wanted, "{code} retry after {retry_after} {cause}");
        }
    }

    #[test]
    fn an_object_that_cannot_be_applied_is_refused_in_spite_of_its_code() {
        let message = "failed to create typed patch object (ns/pond; apps/v1, Kind=StatefulSet): \
                       .spec.template.spec.volumes: duplicate entries for key [name=\"data\"]";
        let status = Status { message: message.into(), ..answer(500, 0, "") };
        assert_eq!(treatment(&status), Treatment::Refused);
    }

    #[test]
    fn no_answer_is_tried_again() {
        let error = kube::Error::ReadEvents(std::io::Error::other("connection reset"));
        assert_eq!(CallFailed::new("read", &error).treatment, Treatment::Again);
        let silence = CallFailed::timed_out("label pod pond-0", Duration::from_secs(2));
        assert_eq!(
            silence.to_string(),
            "wanted to label pod pond-0, but the API server did not answer within 2s"
        );
    }
}
