//! Hand-overs that the operator orders: the Goose is moved before its pod must go.
//!
//! One that is deleted without a word before is moved while its workload ends, which may take as long
//! as its grace period: its sidecar would hand over only after that.

use std::sync::Arc;
use std::time::Duration;

use election::lease::HandOverOrder;
use election::record::Record;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::labels::runs_in;
use super::pods::ordinal;
use super::succession::{Leaving, Rules};

/// What is decided about the Goose's place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// What the Goose is to be told.
    pub order: Option<HandOverOrder>,
    /// The Goose that is about to go, and is to be moved before; it is waited for no longer than
    /// [`BOUND`]. None whose pod is going already: nothing can wait for it.
    pub awaited: Option<Awaited>,
}

/// A Goose that is about to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// Its term: the wait is for this one, and begins anew for another.
    pub term: u64,
    /// Why it is about to go.
    pub why: Leaving,
}

/// How long a pod that must go is kept for the hand-over: some hundred times what one takes. A
/// Goose that has not heard of its order by then is not listening.
pub const BOUND: Duration = Duration::from_secs(10);

/// Where the Goose is to be moved, if at all: to the first in `line` that is itself to stay. For an
/// update, only when the `ducks_are_done`.
pub fn decide(
    rules: &Rules,
    members: &[Arc<Pod>],
    line: &[Arc<Pod>],
    record: Option<&Record>,
    ducks_are_done: bool,
) -> Move {
    let Some((record, goose)) = goose(members, record) else { return Move::default() };
    let Some(why) = rules.leaving(goose) else { return Move::default() };
    if why == Leaving::Update && !ducks_are_done {
        return Move::default();
    }
    let to = line.iter().find(|pod| rules.leaving(pod).is_none()).and_then(|pod| pod.uid());
    let Some(to) = to else { return Move::default() };
    let term = record.term;
    let awaited = (why != Leaving::Deletion).then_some(Awaited { term, why });
    Move { order: Some(HandOverOrder { to, term }), awaited }
}

/// The order that the Goose has obeyed, while nobody leads: it stands until there is a new Goose, for
/// it is what makes the others wait for the pod that it names.
pub fn under_way(
    record: Option<&Record>,
    ordered: Option<&HandOverOrder>,
) -> Option<HandOverOrder> {
    let record = record.filter(|record| record.released)?;
    ordered.filter(|order| order.term == record.term).cloned()
}

/// How many pods the StatefulSet is to have: as many as are wanted, and as long as the Goose is
/// `kept`, enough for it to stay.
pub fn replicas(wanted: i32, members: &[Arc<Pod>], record: Option<&Record>, kept: bool) -> i32 {
    let Some((_, goose)) = goose(members, record).filter(|_| kept) else { return wanted };
    let enough = i32::try_from(ordinal(goose)).unwrap_or(i32::MAX).saturating_add(1);
    // A pod whose name bears no number of this set's says nothing about how many it needs.
    if enough > MOST_REPLICAS { wanted } else { wanted.max(enough) }
}

/// Of these [`replicas`] no more than `there` are for the Goose's sake alone: what is kept is not made
/// anew. Of a Lease of the past the Goose would be one that is scaled away already.
pub fn kept(replicas: i32, wanted: i32, there: i32) -> i32 {
    replicas.min(there).max(wanted)
}

/// The Goose's pod, with the record that makes it so.
pub fn goose<'a>(
    members: &'a [Arc<Pod>],
    record: Option<&'a Record>,
) -> Option<(&'a Record, &'a Arc<Pod>)> {
    let record = record?;
    let holder = record.holder.as_ref()?;
    Some((record, members.iter().find(|pod| runs_in(holder, pod))?))
}

/// The most that the schema of `spec.replicas` allows.
const MOST_REPLICAS: i32 = 1000;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use election::record::Incarnation;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::super::pods::sample::pod;
    use super::super::succession::sample::rules;
    use super::*;

    fn led_by(ordinal: u32) -> Record {
        let (name, uid) = (format!("pond-{ordinal}"), format!("p{ordinal}"));
        let holder = Some(Incarnation::new(&name, &uid, "a").unwrap());
        Record { holder, ..Record::quarantine(7, Duration::from_secs(6)) }
    }

    fn members(ready: &[bool]) -> Vec<Arc<Pod>> {
        let pods = ready.iter().enumerate();
        pods.map(|(n, &ready)| Arc::new(pod(u32::try_from(n).unwrap(), "duck", ready))).collect()
    }

    #[test]
    fn the_goose_is_moved_before_it_must_go() {
        use Leaving::{Cordon, ScaleIn};
        let all = [true, true, true];
        for (what, ready, goose, replicas, cordoned, wanted) in [
            ("stays", all, 2, 3, vec![], None),
            ("scaled away", all, 2, 2, vec![], Some(("p0", ScaleIn))),
            ("only its successor is", all, 1, 2, vec![], None),
            ("scaled away with all but one", all, 2, 1, vec![], Some(("p0", ScaleIn))),
            ("scaled to nothing", all, 2, 0, vec![], None),
            ("nobody is ready who stays", [false, false, true], 2, 2, vec![], None),
            ("cordoned", all, 0, 3, vec!["n0"], Some(("p1", Cordon))),
            ("another is cordoned", all, 0, 3, vec!["n1"], None),
            ("the next is cordoned, too", all, 0, 3, vec!["n0", "n1"], Some(("p2", Cordon))),
            ("all are cordoned", all, 0, 3, vec!["n0", "n1", "n2"], None),
        ] {
            let cordoned: HashSet<String> = cordoned.into_iter().map(str::to_owned).collect();
            let rules = rules(replicas, &cordoned);
            let (members, record) = (members(&ready), led_by(goose));
            let line = rules.line(&members, Some(&format!("p{goose}")));
            let found = decide(&rules, &members, &line, Some(&record), true);
            let wanted = wanted.map_or_else(Move::default, |(to, why)| Move {
                order: Some(HandOverOrder { to: to.to_owned(), term: 7 }),
                awaited: Some(Awaited { term: 7, why }),
            });
            assert_eq!(found, wanted, "{what}");
        }
    }

    #[test]
    fn a_goose_that_is_deleted_is_moved_and_not_waited_for() {
        let nowhere = HashSet::new();
        let rules = rules(2, &nowhere);
        let decided = |ready| {
            let mut members = members(&[true, ready]);
            let now = k8s_openapi::jiff::Timestamp::UNIX_EPOCH;
            Arc::make_mut(&mut members[0]).metadata.deletion_timestamp = Some(Time(now));
            let line = rules.line(&members, Some("p0"));
            decide(&rules, &members, &line, Some(&led_by(0)), true)
        };
        let order = Some(HandOverOrder { to: "p1".into(), term: 7 });
        assert_eq!(decided(true), Move { order, awaited: None });
        assert_eq!(decided(false), Move::default());
    }

    #[test]
    fn an_order_stands_until_there_is_a_new_goose() {
        let order = HandOverOrder { to: "p1".into(), term: 7 };
        let quarantined = Record::quarantine(7, Duration::from_secs(6));
        let released = Record { released: true, ..quarantined.clone() };
        let of_another_term = Record { term: 8, ..released.clone() };
        for (record, wanted) in [
            (released, Some(&order)),
            (of_another_term, None),
            (quarantined, None),
            (led_by(0), None),
        ] {
            assert_eq!(under_way(Some(&record), Some(&order)).as_ref(), wanted, "{record:?}");
        }
    }

    #[test]
    fn what_is_kept_is_not_made_anew() {
        for (what, replicas, wanted, there, found) in [
            ("the Goose's pod is there", 5, 2, 5, 5),
            ("it is gone already", 5, 2, 2, 2),
            ("there is no set", 5, 2, 0, 2),
            ("scaled out", 5, 5, 3, 5),
        ] {
            assert_eq!(kept(replicas, wanted, there), found, "{what}");
        }
    }

    #[test]
    fn for_an_update_the_goose_is_moved_when_the_ducks_are_done() {
        let cordoned = HashSet::new();
        let rules = Rules { revision: Some("new"), ..rules(2, &cordoned) };
        let mut members = members(&[true, true]);
        for (pod, revision) in members.iter_mut().zip(["old", "new"]) {
            let label = ("controller-revision-hash".to_owned(), revision.to_owned());
            Arc::make_mut(pod).labels_mut().extend([label]);
        }
        let line = rules.line(&members, Some("p0"));
        let record = led_by(0);
        let decided = |done| decide(&rules, &members, &line, Some(&record), done);
        assert_eq!(decided(false), Move::default());
        assert_eq!(decided(true).order, Some(HandOverOrder { to: "p1".into(), term: 7 }));
        assert_eq!(decided(true).awaited, Some(Awaited { term: 7, why: Leaving::Update }));
    }

    #[test]
    fn where_nobody_leads_nobody_is_moved() {
        let cordoned = HashSet::new();
        let rules = rules(1, &cordoned);
        let members = members(&[true, true]);
        let line = rules.line(&members, None);
        for record in [None, Some(Record::quarantine(7, Duration::from_secs(6))), Some(led_by(9))] {
            assert_eq!(decide(&rules, &members, &line, record.as_ref(), true), Move::default());
        }
    }

    #[test]
    fn the_set_keeps_enough_pods_for_a_goose_that_is_kept() {
        let members = members(&[true, true, true]);
        for (wanted, goose, kept, replicas_then) in
            [(1, 2, true, 3), (1, 2, false, 1), (5, 2, true, 5), (0, 0, true, 1), (1, 9, true, 1)]
        {
            assert_eq!(replicas(wanted, &members, Some(&led_by(goose)), kept), replicas_then);
        }
        assert_eq!(replicas(1, &members, None, true), 1);
    }
}
