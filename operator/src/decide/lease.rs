//! The Lease: made, stamped, quarantined, and written orders on (rules 5, 6 and 9).
//!
//! The decision itself is the election's (`election::keeper`); here it becomes a write of the whole
//! object. Never a server-side apply: two writers of one Lease must compare and swap.

use std::time::Duration;

use election::keeper::{self, Chore, Why};
use election::lease::{Lease as Seen, Orders, RECORD, STAMP};
use election::record::Record;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;

use api::status::reconciled;

use super::owner::{Owner, Standing};
use super::problem::Problem;

/// What the decision about the Lease is made from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The cluster whose Lease it is.
    pub owner: &'a Owner,
    /// The newest version seen.
    pub lease: Option<&'a Lease>,
    /// What the members are to be told.
    pub orders: &'a Orders,
    /// The longest lease that the cluster ever used, as it stands in the status.
    pub longest: Duration,
    /// Names of pods that still run for a deleted cluster of the same name.
    pub strangers: &'a [String],
    /// For how long orders must still wait, so that they cost no more writes than renewals do.
    pub orders_wait: Duration,
}

/// What is to be done to the Lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It is as it should be, or is being deleted.
    Nothing,
    /// Make it, unstamped: what appears under the name is nobody's until it has been seen.
    Create(Box<Lease>),
    /// Replace exactly the version that was seen by this one.
    Replace {
        /// The whole object.
        lease: Box<Lease>,
        /// Why its record becomes a quarantine; `None` where it is kept.
        quarantine: Option<Why>,
    },
    /// Delete exactly the version that was seen, and make a new one at once: another lease
    /// duration is wanted, and the duration belongs to the object (rule 9).
    Recreate {
        /// The one to delete.
        old: Box<Lease>,
        /// The one to make.
        new: Box<Lease>,
    },
    /// Orders are to be written, after this time.
    Later(Duration),
    /// People must know.
    Blocked(Problem),
}

/// The Lease as the election sees it.
pub fn read(lease: &Lease) -> Seen {
    // The election compares versions only to write, which the keeper leaves to the API server.
    let version = lease.resource_version().and_then(|version| version.parse().ok());
    let uid = lease.uid().unwrap_or_default();
    Seen::from_metadata(&uid, version.unwrap_or_default(), lease.annotations())
}

/// The record that says who leads: of a Lease that is stamped and readable, and nobody else's.
pub fn record(lease: &Lease, owner: &Owner) -> Option<Record> {
    if matches!(owner.standing(&lease.metadata), Standing::Foreign(_)) {
        return None;
    }
    let seen = read(lease);
    seen.record.ok().filter(|_| seen.stamped)
}

/// What is to be done to the Lease.
pub fn step(now: Situation) -> Step {
    let Some(lease) = now.lease else { return Step::Create(Box::new(unstamped(now.owner))) };
    let standing = now.owner.standing(&lease.metadata);
    // A Lease that nobody controls was made by hand, or restored: under this name it is the
    // cluster's, and stamping it is what makes that safe.
    if standing != Standing::Unowned
        && let Some(problem) =
            Problem::from_standing(&format!("Lease {}", lease.name_any()), &standing)
    {
        return Step::Blocked(problem);
    }
    if lease.metadata.deletion_timestamp.is_some() {
        return Step::Nothing;
    }
    let replaced = |quarantine: Option<(&Record, Why)>| Step::Replace {
        lease: Box::new(rewritten(lease, now.owner, now.orders, quarantine.map(|(to, _)| to))),
        quarantine: quarantine.map(|(_, why)| why),
    };
    match keeper::chore(&read(lease), now.orders, now.longest) {
        Some(Chore::Quarantine { why: Why::NotStamped, .. }) if !now.strangers.is_empty() => {
            Step::Blocked(strangers_run(now.strangers))
        }
        Some(Chore::Quarantine { record, why }) => replaced(Some((&record, why))),
        Some(Chore::Recreate) => {
            Step::Recreate { old: Box::new(lease.clone()), new: Box::new(unstamped(now.owner)) }
        }
        Some(Chore::LeaveAlone(why)) => Step::Blocked(Problem {
            reason: reconciled::RECORD_NOT_UNDERSTOOD,
            message: format!("Lease {} is left alone: {why}", lease.name_any()),
        }),
        None if bears_marks(lease, now.owner) => Step::Nothing,
        Some(Chore::GiveOrders) | None if now.orders_wait.is_zero() => replaced(None),
        Some(Chore::GiveOrders) | None => Step::Later(now.orders_wait),
    }
}

fn unstamped(owner: &Owner) -> Lease {
    Lease { metadata: owner.metadata(&owner.name), spec: None }
}

/// Whether it is found by the watch and swept with the cluster.
fn bears_marks(lease: &Lease, owner: &Owner) -> bool {
    let labelled = owner.labels().iter().all(|(key, value)| lease.labels().get(key) == Some(value));
    labelled && owner.standing(&lease.metadata) == Standing::Ours
}

fn strangers_run(strangers: &[String]) -> Problem {
    let pods = strangers.join(", ");
    Problem {
        reason: reconciled::PREDECESSOR_RUNNING,
        message: format!(
            "pods of a deleted cluster of the same name still run: {pods}. \
             Nobody can be Goose until they are gone; delete them if nothing else does"
        ),
    }
}

/// The whole object, with what the operator owns of it as it should be, and all else as it was.
fn rewritten(lease: &Lease, owner: &Owner, orders: &Orders, quarantine: Option<&Record>) -> Lease {
    let mut lease = ordered(lease, orders, quarantine);
    lease.labels_mut().extend(owner.labels());
    if owner.standing(&lease.metadata) == Standing::Unowned {
        lease.owner_references_mut().push(owner.reference());
    }
    lease
}

/// The whole object with these orders, and stamped where it is to become a quarantine.
pub fn ordered(lease: &Lease, orders: &Orders, quarantine: Option<&Record>) -> Lease {
    let mut lease = lease.clone();
    for (key, value) in orders.to_annotations() {
        match value {
            Some(value) => lease.annotations_mut().insert(key.to_owned(), value),
            None => lease.annotations_mut().remove(key),
        };
    }
    if let Some(record) = quarantine {
        let uid = lease.uid().unwrap_or_default();
        lease.annotations_mut().insert(STAMP.to_owned(), uid);
        lease = with_record(&lease, record);
    }
    lease
}

/// The whole object with this record, which nobody holds.
pub fn with_record(lease: &Lease, record: &Record) -> Lease {
    let mut lease = lease.clone();
    lease.annotations_mut().insert(RECORD.to_owned(), record.to_text());
    mirror(&mut lease, record);
    lease
}

/// The record in `spec`, for people: no rule reads it.
fn mirror(lease: &mut Lease, record: &Record) {
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = None;
    let seconds = record.duration.as_millis().div_ceil(1000);
    spec.lease_duration_seconds = i32::try_from(seconds).ok();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use election::lease::SUCCESSORS;
    use election::record::Incarnation;
    use election::timing::Timing;

    use super::*;

    const LONGEST: Duration = Duration::from_secs(15);

    fn pond() -> Owner {
        Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() }
    }

    fn orders(successors: &[&str]) -> Orders {
        let successors = successors.iter().map(|uid| (*uid).to_owned()).collect();
        Orders { timing: Some(Timing::default()), successors, ..Orders::default() }
    }

    fn held() -> String {
        let holder = Some(Incarnation::new("pond-0", "p0", "a").unwrap());
        let duration = Duration::from_secs(6);
        let hold = Duration::ZERO;
        Record { holder, term: 5, attempt: 2, duration, hold, released: false }.to_text()
    }

    /// The Lease with uid `l`, our marks, and these annotations.
    fn lease(annotations: &[(&str, &str)]) -> Lease {
        let mut lease = unstamped(&pond());
        lease.metadata.uid = Some("l".into());
        lease.metadata.resource_version = Some("7".into());
        let owned = annotations.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        lease.metadata.annotations = Some(owned.collect::<BTreeMap<_, _>>());
        lease
    }

    /// The good Lease: stamped, held, with the orders given.
    fn good() -> Lease {
        let mut lease = lease(&[(STAMP, "l"), (RECORD, &held()), ("their/own", "kept")]);
        let written = orders(&["p1"]).to_annotations().into_iter();
        let written = written.filter_map(|(key, value)| Some((key.to_owned(), value?)));
        lease.annotations_mut().extend(written);
        lease
    }

    fn situation<'a>(
        owner: &'a Owner,
        lease: Option<&'a Lease>,
        orders: &'a Orders,
    ) -> Situation<'a> {
        let orders_wait = Duration::ZERO;
        Situation { owner, lease, orders, longest: LONGEST, strangers: &[], orders_wait }
    }

    fn decided(lease: &Lease, orders: &Orders) -> Step {
        step(situation(&pond(), Some(lease), orders))
    }

    fn replaced(step: Step) -> (Lease, Option<Why>) {
        match step {
            Step::Replace { lease, quarantine } => (*lease, quarantine),
            other => panic!("wanted a replacement, found {other:?}"),
        }
    }

    #[test]
    fn it_is_made_without_stamp_record_or_orders() {
        let Step::Create(made) = step(situation(&pond(), None, &orders(&[]))) else {
            panic!("wanted it created")
        };
        assert_eq!(made.metadata.annotations, None);
        assert_eq!(pond().standing(&made.metadata), Standing::Ours);
    }

    #[test]
    fn what_is_not_stamped_becomes_a_quarantine_of_the_longest_lease() {
        // Made by the operator, a copy of a held Lease, and one that somebody made by hand.
        let mut by_hand = lease(&[]);
        by_hand.metadata.owner_references = None;
        by_hand.metadata.labels = None;
        for found in [lease(&[]), lease(&[(STAMP, "older"), (RECORD, &held())]), by_hand] {
            let (written, why) = replaced(decided(&found, &orders(&["p1"])));
            assert_eq!(why, Some(Why::NotStamped));
            let seen = read(&written);
            assert!(seen.stamped);
            assert_eq!(seen.orders, orders(&["p1"]));
            let record = seen.record.unwrap();
            assert!(record.is_quarantine());
            assert_eq!(record.duration, LONGEST);
            assert_eq!(written.spec.unwrap().lease_duration_seconds, Some(15));
            assert_eq!(pond().standing(&written.metadata), Standing::Ours);
            assert_eq!(written.metadata.resource_version, found.metadata.resource_version);
        }
    }

    #[test]
    fn new_orders_keep_the_record_and_all_that_is_not_ours() {
        assert_eq!(decided(&good(), &orders(&["p1"])), Step::Nothing);
        let (written, why) = replaced(decided(&good(), &orders(&[])));
        assert_eq!(why, None);
        assert_eq!(written.annotations()[RECORD], held());
        assert_eq!(written.annotations()["their/own"], "kept");
        assert!(!written.annotations().contains_key(SUCCESSORS));
    }

    #[test]
    fn another_duration_makes_a_new_lease() {
        let timing = Timing::new(Duration::from_secs(9), Duration::from_secs(3)).ok();
        let Step::Recreate { old, new } = decided(&good(), &Orders { timing, ..orders(&["p1"]) })
        else {
            panic!("wanted it made anew")
        };
        assert_eq!((*old, new.metadata.annotations), (good(), None));
    }

    #[test]
    fn orders_wait_for_their_turn_and_a_quarantine_does_not() {
        let (owner, orders, wait) = (pond(), orders(&["p2"]), Duration::from_secs(1));
        let (good, new) = (good(), lease(&[]));
        let waiting =
            |lease| Situation { orders_wait: wait, ..situation(&owner, Some(lease), &orders) };
        assert_eq!(step(waiting(&good)), Step::Later(wait));
        assert!(matches!(step(waiting(&new)), Step::Replace { quarantine: Some(_), .. }));
    }

    #[test]
    fn a_new_lease_is_not_stamped_while_a_predecessors_pods_run() {
        let (owner, orders, strangers) = (pond(), orders(&["p1"]), ["pond-2".to_owned()]);
        let (good, new) = (good(), lease(&[]));
        let beside_strangers =
            |lease| Situation { strangers: &strangers, ..situation(&owner, Some(lease), &orders) };
        let Step::Blocked(problem) = step(beside_strangers(&new)) else {
            panic!("wanted it blocked")
        };
        assert_eq!(problem.reason, reconciled::PREDECESSOR_RUNNING);
        assert!(problem.message.contains("pond-2"));
        assert_eq!(step(beside_strangers(&good)), Step::Nothing);
    }

    #[test]
    fn what_belongs_to_another_is_left_alone() {
        let (mut foreign, mut predecessors) = (good(), good());
        foreign.owner_references_mut()[0].name = "lake".into();
        predecessors.owner_references_mut()[0].uid = "older".into();
        for (found, reason) in
            [(foreign, reconciled::NAME_TAKEN), (predecessors, reconciled::PREDECESSOR_RUNNING)]
        {
            let Step::Blocked(problem) = decided(&found, &orders(&["p2"])) else {
                panic!("wanted it blocked")
            };
            assert_eq!(problem.reason, reason);
        }
    }

    #[test]
    fn a_later_format_is_left_alone_and_told_of() {
        let later = lease(&[(STAMP, "l"), (RECORD, r#"{"format":2,"x":1}"#)]);
        let Step::Blocked(problem) = decided(&later, &orders(&[])) else {
            panic!("wanted it blocked")
        };
        assert_eq!(problem.reason, reconciled::RECORD_NOT_UNDERSTOOD);
    }

    #[test]
    fn a_lease_that_lost_its_label_gets_it_back() {
        let mut bare = good();
        bare.metadata.labels = None;
        let (written, why) = replaced(decided(&bare, &orders(&["p1"])));
        assert_eq!((written.metadata.labels, why), (Some(pond().labels()), None));
    }

    #[test]
    fn only_a_stamped_lease_says_who_leads() {
        assert_eq!(record(&good(), &pond()).unwrap().term, 5);
        assert_eq!(record(&lease(&[(RECORD, &held())]), &pond()), None);
        let mut foreign = good();
        foreign.owner_references_mut()[0].name = "lake".into();
        assert_eq!(record(&foreign, &pond()), None);
    }
}
