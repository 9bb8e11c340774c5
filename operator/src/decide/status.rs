//! The status: what the operator has seen, for people and for `kubectl wait`.

use std::sync::Arc;

use api::DuckGooseClusterStatus;
use api::names::CLUSTER_LABEL;
use api::status::{condition, paused, reconciled};
use election::record::Record;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::availability::Goose;
use super::history::{Begun, history};
use super::labels::runs_in;
use super::pods::is_ready;
use super::problem::Problem;

/// A condition's content, without its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// From the fixed list of the condition's type.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// What the status is made from.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// Name of the cluster.
    pub cluster: &'a str,
    /// Generation of its spec.
    pub generation: Option<i64>,
    /// `spec.paused`.
    pub paused: bool,
    /// Pods of the cluster's StatefulSet.
    pub members: &'a [Arc<Pod>],
    /// The record of the Lease, if it says who leads.
    pub record: Option<&'a Record>,
    /// The status as it stands.
    pub before: Option<&'a DuckGooseClusterStatus>,
    /// The condition Available.
    pub available: &'a Verdict,
    /// The condition Progressing.
    pub progress: &'a Verdict,
    /// The condition GooseIll.
    pub goose_ill: &'a Verdict,
    /// What keeps the cluster from being as wanted.
    pub problems: &'a [Problem],
    /// How the Goose came to be.
    pub begun: Begun,
    /// The time, for conditions that change.
    pub time: &'a Time,
}

impl Verdict {
    /// A condition's content.
    pub fn new(status: &str, reason: &str, message: impl Into<String>) -> Verdict {
        let (status, reason) = (status.to_owned(), reason.to_owned());
        Verdict { status, reason, message: message.into() }
    }
}

/// The status that is to stand.
pub fn status(now: &Situation) -> DuckGooseClusterStatus {
    let goose = goose(now.members, now.record).map(|pod| pod.name_any());
    let count = |pods: usize| i32::try_from(pods).unwrap_or(i32::MAX);
    let replicas = count(now.members.len());
    let conditions = [
        (condition::AVAILABLE, now.available.clone()),
        (condition::PROGRESSING, now.progress.clone()),
        (condition::PAUSED, paused(now.paused)),
        (condition::RECONCILED, reconciled(now.problems)),
        (condition::GOOSE_ILL, now.goose_ill.clone()),
    ];
    let term = term(now.record, now.before);
    let told = now.before.map(|before| before.history.as_slice()).unwrap_or_default();
    DuckGooseClusterStatus {
        history: history(told, goose.as_deref().zip(term), now.begun.clone(), now.time),
        term,
        replicas,
        ready_replicas: count(now.members.iter().filter(|pod| is_ready(pod)).count()),
        ducks: replicas - i32::from(goose.is_some()),
        goose,
        selector: Some(format!("{CLUSTER_LABEL}={}", now.cluster)),
        observed_generation: now.generation,
        // Written on its own, before what it allows (see `longest`).
        longest_lease: now.before.and_then(|before| before.longest_lease),
        conditions: conditions.map(|(type_, verdict)| dated(now, type_, verdict)).to_vec(),
    }
}

/// A merge patch that makes the status so, if the cluster is still of this uid and version. It
/// leaves `longestLease` as it is.
pub fn patch(uid: &str, version: &str, status: &DuckGooseClusterStatus) -> Value {
    let mut fields = serde_json::to_value(status).unwrap_or_default();
    for optional in ["goose", "term"] {
        let value = fields.get(optional).cloned().unwrap_or_default();
        // In a merge patch, what is absent is kept and what is null is removed.
        fields[optional] = value;
    }
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("longestLease");
    }
    json!({ "metadata": { "uid": uid, "resourceVersion": version }, "status": fields })
}

/// The pod of the Goose among the members, as the record has it.
pub fn goose<'a>(members: &'a [Arc<Pod>], record: Option<&Record>) -> Option<&'a Arc<Pod>> {
    let holder = record?.holder.as_ref()?;
    members.iter().find(|pod| runs_in(holder, pod))
}

/// The Goose as far as its pod, which has this name, goes.
pub fn goose_now<'a>(goose: Option<&Pod>, name: &'a str, record: Option<&Record>) -> Goose<'a> {
    match (goose, record) {
        (Some(pod), _) if is_ready(pod) => Goose::Ready(name),
        (Some(_), _) => Goose::NotReady(name),
        (None, Some(record)) if record.is_quarantine() => Goose::NobodyYet(record.duration),
        (None, _) => Goose::Nobody,
    }
}

/// The Goose's term. While there is none, the highest one that was told: a quarantine may show
/// that of an old copy.
fn term(record: Option<&Record>, before: Option<&DuckGooseClusterStatus>) -> Option<i64> {
    let before = before.and_then(|before| before.term);
    let found = record.map(|record| i64::try_from(record.term).unwrap_or(i64::MAX));
    let term = match record {
        Some(record) if record.holder.is_some() => found,
        _ => found.max(before),
    };
    term.filter(|&term| term > 0)
}

fn paused(paused: bool) -> Verdict {
    if paused {
        let message = "spec.paused is true: the Goose stays, and nobody takes over";
        return Verdict::new("True", paused::PAUSED_BY_SPEC, message);
    }
    Verdict::new("False", paused::NOT_PAUSED, "spec.paused is false")
}

fn reconciled(problems: &[Problem]) -> Verdict {
    let Some(first) = problems.first() else {
        return Verdict::new("True", reconciled::UP_TO_DATE, "everything is as the spec wants it");
    };
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    Verdict::new("False", first.reason, messages.join("; "))
}

/// A condition's message may not be longer than 32768 characters, and people read less.
fn shortened(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

/// The condition with its times: the transition's is kept while the status is the same.
fn dated(now: &Situation, type_: &str, verdict: Verdict) -> Condition {
    let before = find(now.before, type_).filter(|before| before.status == verdict.status);
    Condition {
        type_: type_.to_owned(),
        status: verdict.status,
        reason: verdict.reason,
        message: shortened(&verdict.message),
        last_transition_time: before
            .map_or_else(|| now.time.clone(), |before| before.last_transition_time.clone()),
        observed_generation: now.generation,
    }
}

/// The condition of this type.
pub fn find<'a>(status: Option<&'a DuckGooseClusterStatus>, type_: &str) -> Option<&'a Condition> {
    status?.conditions.iter().find(|condition| condition.type_ == type_)
}

const LONGEST_MESSAGE: usize = 2000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use election::record::Incarnation;
    use k8s_openapi::jiff::Timestamp;

    use super::super::pods::sample::pod;
    use super::*;

    fn record(holder: Option<&str>, term: u64) -> Record {
        let holder = holder.map(|uid| Incarnation::new("pond-1", uid, "a").unwrap());
        Record { holder, ..Record::quarantine(term, Duration::from_secs(6)) }
    }

    /// Three pods, of which two are ready.
    fn members() -> Vec<Arc<Pod>> {
        [(0, true), (1, true), (2, false)].map(|(n, ready)| Arc::new(pod(n, "duck", ready))).into()
    }

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).unwrap())
    }

    fn made(
        record: Option<&Record>,
        before: Option<&DuckGooseClusterStatus>,
        problems: &[Problem],
        time: &Time,
    ) -> DuckGooseClusterStatus {
        status(&Situation {
            cluster: "pond",
            generation: Some(2),
            paused: false,
            members: &members(),
            record,
            before,
            available: &Verdict::new("True", "GooseReady", ""),
            progress: &Verdict::new("False", "Complete", ""),
            goose_ill: &Verdict::new("False", "NotChecked", ""),
            problems,
            begun: Begun { term: 812, reason: "FirstGoose", without: None },
            time,
        })
    }

    #[test]
    fn it_counts_and_names() {
        let found = made(Some(&record(Some("p1"), 812)), None, &[], &at(1));
        assert_eq!(found.goose.as_deref(), Some("pond-1"));
        assert_eq!((found.term, found.replicas, found.ready_replicas), (Some(812), 3, 2));
        assert_eq!(found.history[0].reason, "FirstGoose");
        assert_eq!((found.ducks, found.observed_generation), (2, Some(2)));
        assert_eq!(found.selector.as_deref(), Some("duckduckgoose.dev/cluster=pond"));
    }

    #[test]
    fn a_holder_without_its_pod_is_no_goose() {
        for record in [None, Some(record(None, 812)), Some(record(Some("older"), 812))] {
            let found = made(record.as_ref(), None, &[], &at(1));
            assert_eq!((found.goose, found.ducks), (None, 3), "{record:?}");
        }
    }

    #[test]
    fn the_term_never_goes_back_while_nobody_leads() {
        let before = DuckGooseClusterStatus { term: Some(900), ..Default::default() };
        for (record, before, wanted) in [
            (None, None, None),
            (Some(record(None, 0)), None, None),
            (Some(record(Some("p1"), 901)), Some(&before), Some(901)),
            (Some(record(None, 5)), Some(&before), Some(900)),
            (None, Some(&before), Some(900)),
        ] {
            assert_eq!(made(record.as_ref(), before, &[], &at(1)).term, wanted, "{record:?}");
        }
    }

    #[test]
    fn a_condition_is_dated_by_its_last_change() {
        let first = made(None, None, &[], &at(1));
        let same = made(None, Some(&first), &[], &at(2));
        assert_eq!(first, same);

        let problem = Problem { reason: reconciled::OBJECT_REFUSED, message: "no".into() };
        let changed = made(None, Some(&same), &[problem], &at(3));
        let date = |type_| find(Some(&changed), type_).unwrap().last_transition_time.clone();
        assert_eq!(date(condition::RECONCILED), at(3));
        assert_eq!(date(condition::AVAILABLE), at(1));
    }

    #[test]
    fn the_patch_removes_what_is_no_more_and_keeps_the_longest_lease() {
        let longest_lease = Some(Duration::from_secs(30).into());
        let status = DuckGooseClusterStatus { longest_lease, ..Default::default() };
        let patch = patch("u", "7", &status);
        assert_eq!(patch["metadata"], json!({ "uid": "u", "resourceVersion": "7" }));
        let fields = patch["status"].as_object().unwrap();
        assert_eq!(fields["goose"], Value::Null);
        assert_eq!(fields["term"], Value::Null);
        assert!(!fields.contains_key("longestLease"));
    }
}
