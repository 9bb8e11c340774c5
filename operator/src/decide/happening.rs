//! What is worth an Event: the changes in the status that people ask about later.

use std::sync::Arc;

use api::DuckGooseClusterStatus;
use api::status::{available, condition, progressing, reconciled};
use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt};

use super::status::find;

/// Something that happened to a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// Whether it is to be looked into.
    pub warning: bool,
    /// One word for machines.
    pub reason: String,
    /// For people.
    pub note: String,
    /// What it is about beside the cluster.
    pub about: Option<ObjectReference>,
}

impl Happening {
    /// Somebody asked for what cannot be.
    pub fn refused(reason: &str, note: String) -> Happening {
        Happening { warning: true, reason: reason.to_owned(), note: shortened(&note), about: None }
    }
}

/// What happened between two statuses.
pub fn happenings(
    before: &DuckGooseClusterStatus,
    now: &DuckGooseClusterStatus,
    members: &[Arc<Pod>],
) -> Vec<Happening> {
    let turned = |type_, status: &str| {
        let was = find(Some(before), type_);
        let is = find(Some(now), type_)?;
        let news = was.is_none_or(|was| (&was.status, &was.message) != (&is.status, &is.message));
        (is.status == status && news).then_some(is)
    };
    let mended = find(Some(before), condition::RECONCILED).is_some_and(|was| was.status == "False");
    let each = [
        new_goose(before, now, members),
        turned(condition::AVAILABLE, "False").filter(|is| !is_wanted(is)).map(warning),
        turned(condition::PROGRESSING, "False").filter(|is| is_stuck(is)).map(warning),
        turned(condition::GOOSE_ILL, "True").map(warning),
        turned(condition::RECONCILED, "False").map(warning),
        turned(condition::RECONCILED, "True").filter(|_| mended).map(|is| Happening {
            warning: false,
            reason: reconciled::UP_TO_DATE.to_owned(),
            note: is.message.clone(),
            about: None,
        }),
    ];
    each.into_iter().flatten().collect()
}

fn new_goose(
    before: &DuckGooseClusterStatus,
    now: &DuckGooseClusterStatus,
    members: &[Arc<Pod>],
) -> Option<Happening> {
    let goose = now.goose.as_ref()?;
    if (&before.goose, before.term) == (&now.goose, now.term) {
        return None;
    }
    let pod = members.iter().find(|pod| pod.name_any() == *goose);
    let change = now.history.first().filter(|change| Some(change.term) == now.term);
    let why = change.map(|change| format!(": {}", change.reason)).unwrap_or_default();
    Some(Happening {
        warning: false,
        reason: NEW_GOOSE.to_owned(),
        note: format!("{goose} is the Goose, in term {}{why}", now.term.unwrap_or_default()),
        about: pod.map(|pod| pod.object_ref(&())),
    })
}

/// Nobody needs to look into what somebody asked for.
fn is_wanted(unavailable: &Condition) -> bool {
    unavailable.reason == available::SCALED_TO_ZERO
}

/// What came to its end is no news.
fn is_stuck(progress: &Condition) -> bool {
    progress.reason == progressing::POD_NOT_READY
}

fn warning(condition: &Condition) -> Happening {
    Happening {
        warning: true,
        reason: condition.reason.clone(),
        note: shortened(&condition.message),
        about: None,
    }
}

/// The API server refuses an Event with a note of more than 1024 bytes.
fn shortened(note: &str) -> String {
    let end = note.floor_char_boundary(LONGEST_NOTE);
    if end < note.len() { format!("{}…", &note[..end]) } else { note.to_owned() }
}

/// Reason of an Event: another pod is the Goose, or the same one in a new term.
const NEW_GOOSE: &str = "NewGoose";

const LONGEST_NOTE: usize = 1000;

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    use super::super::pods::sample::pod;
    use super::*;

    fn status(
        goose: Option<&str>,
        term: i64,
        conditions: &[(&str, &str, &str)],
    ) -> DuckGooseClusterStatus {
        let conditions = conditions.iter().map(|(type_, status, message)| Condition {
            type_: (*type_).into(),
            status: (*status).into(),
            reason: format!("{type_}{status}"),
            message: (*message).into(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: None,
        });
        DuckGooseClusterStatus {
            goose: goose.map(str::to_owned),
            term: Some(term),
            conditions: conditions.collect(),
            ..Default::default()
        }
    }

    #[test]
    fn each_change_that_people_ask_about_is_told_once() {
        let none = DuckGooseClusterStatus::default();
        let led = |goose, term| status(Some(goose), term, &[]);
        let up = |up, message| status(None, 1, &[("Available", up, message)]);
        let ill = |ill, message| status(None, 1, &[("GooseIll", ill, message)]);
        let well = |well, message| status(None, 1, &[("Reconciled", well, message)]);
        for (before, now, wanted) in [
            (none.clone(), none.clone(), vec![]),
            (none.clone(), led("pond-0", 5), vec!["NewGoose"]),
            (led("pond-0", 5), led("pond-0", 5), vec![]),
            (led("pond-0", 5), led("pond-0", 9), vec!["NewGoose"]),
            (led("pond-0", 5), led("pond-1", 9), vec!["NewGoose"]),
            (led("pond-0", 5), status(None, 5, &[]), vec![]),
            (up("True", ""), up("False", ""), vec!["AvailableFalse"]),
            (up("False", ""), up("False", ""), vec![]),
            (up("False", ""), up("True", ""), vec![]),
            (ill("False", ""), ill("True", "x"), vec!["GooseIllTrue"]),
            (ill("True", "x"), ill("False", ""), vec![]),
            (none.clone(), well("True", ""), vec![]),
            (well("True", ""), well("False", "x"), vec!["ReconciledFalse"]),
            (well("False", "x"), well("False", "x"), vec![]),
            (well("False", "x"), well("False", "y"), vec!["ReconciledFalse"]),
            (well("False", "x"), well("True", ""), vec!["UpToDate"]),
        ] {
            let told = happenings(&before, &now, &[]);
            let reasons: Vec<_> = told.iter().map(|told| told.reason.as_str()).collect();
            assert_eq!(reasons, wanted, "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_new_goose_is_told_with_its_pod() {
        let now = status(Some("pond-1"), 5, &[]);
        let told = happenings(&status(None, 0, &[]), &now, &[Arc::new(pod(1, "duck", true))]);
        assert_eq!(told[0].about.as_ref().unwrap().uid.as_deref(), Some("p1"));
    }

    #[test]
    fn a_note_fits() {
        let long = "ä".repeat(2000);
        assert!(shortened(&long).len() <= 1024);
        assert_eq!(shortened("short"), "short");
    }
}
