//! The planned hand-over: somebody asks for a pod by name.

use std::sync::Arc;

use api::names::HANDOVER_ANNOTATION;
use election::lease::HandOverOrder;
use election::record::Record;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::labels::runs_in;
use super::pods::is_ready;
use super::succession::Rules;

/// What the answer is made from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Who may lead.
    pub rules: &'a Rules<'a>,
    /// Pods of the cluster's StatefulSet.
    pub members: &'a [Arc<Pod>],
    /// The record, if it says who leads.
    pub record: Option<&'a Record>,
    /// The order that the Lease bears. It outlives its term, and so tells that the hand-over was
    /// tried already, also to an operator that has just started.
    pub ordered: Option<&'a HandOverOrder>,
    /// `spec.paused`.
    pub paused: bool,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This order is to stand in the Lease, until there is a new Goose.
    Order(HandOverOrder),
    /// Nobody is Goose: whoever will be is handed over from then.
    Wait,
    /// The pod is Goose.
    Done,
    /// It cannot be, in words.
    Refused(String),
}

/// What becomes of the request that the pod of this name be the Goose.
pub fn answer(asked: &str, now: Situation) -> Answer {
    let refused = |why: &str| Answer::Refused(format!("{asked} is not made the Goose: {why}"));
    let Some(pod) = now.members.iter().find(|pod| pod.name_any() == asked) else {
        let names: Vec<String> = now.members.iter().map(|pod| pod.name_any()).collect();
        return refused(&format!("it is no member of this cluster, write one of {names:?}"));
    };
    let record = now.record.filter(|record| record.holder.is_some());
    let holder = record.and_then(|record| record.holder.as_ref());
    if holder.is_some_and(|holder| runs_in(holder, pod)) {
        return Answer::Done;
    }
    if now.paused {
        return refused("spec.paused is true, and while it is nobody takes over");
    }
    if now.rules.is_barred(pod) {
        return refused("it may not lead, since it is fenced or in spec.goose.never");
    }
    if !is_ready(pod) {
        return refused("it is not ready, or about to end");
    }
    let to = pod.uid().unwrap_or_default();
    let ordered = now.ordered.filter(|order| order.to == to);
    match (record, ordered) {
        (None, Some(order)) => Answer::Order(order.clone()),
        (None, None) => Answer::Wait,
        (Some(record), Some(order)) if order.term < record.term => {
            refused("it was its turn, but another pod took the role")
        }
        (Some(record), _) => Answer::Order(HandOverOrder { to, term: record.term }),
    }
}

/// A merge patch that takes the request away from the cluster of exactly this uid and version.
pub fn taken_away(uid: &str, version: &str) -> Value {
    json!({ "metadata": {
        "uid": uid,
        "resourceVersion": version,
        "annotations": { HANDOVER_ANNOTATION: null },
    } })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use api::names::FENCED_ANNOTATION;
    use election::record::Incarnation;

    use super::super::pods::sample::pod;
    use super::super::succession::sample::rules;
    use super::*;

    #[test]
    fn only_a_ready_member_that_may_lead_is_handed_over_to() {
        let mut fenced = pod(3, "duck", true);
        fenced.annotations_mut().insert(FENCED_ANNOTATION.into(), "true".into());
        let members = [pod(0, "goose", true), pod(1, "duck", true), pod(2, "duck", false), fenced];
        let members = members.map(Arc::new);
        let nowhere = HashSet::new();
        let rules = rules(4, &nowhere);

        let nobody = Record::quarantine(7, Duration::from_secs(6));
        let holder = Some(Incarnation::new("pond-0", "p0", "a").unwrap());
        let led = Record { holder, ..nobody.clone() };
        let order = |term| HandOverOrder { to: "p1".into(), term };
        let (ordered, tried) = (order(7), order(6));
        let go = || Ok(Answer::Order(order(7)));
        for (asked, record, ordered, paused, wanted) in [
            ("pond-1", &led, None, false, go()),
            ("pond-1", &led, Some(&ordered), false, go()),
            ("pond-1", &nobody, Some(&ordered), false, go()),
            ("pond-1", &nobody, None, false, Ok(Answer::Wait)),
            ("pond-1", &led, Some(&tried), false, Err("another pod took the role")),
            ("pond-0", &led, Some(&tried), false, Ok(Answer::Done)),
            ("pond-0", &led, None, true, Ok(Answer::Done)),
            ("pond-1", &led, None, true, Err("spec.paused is true")),
            ("pond-2", &led, None, false, Err("not ready")),
            ("pond-3", &led, None, false, Err("fenced")),
            ("lake-0", &led, None, false, Err("no member")),
        ] {
            let record = Some(record);
            let now = Situation { rules: &rules, members: &members, record, ordered, paused };
            match (answer(asked, now), wanted) {
                (Answer::Refused(found), Err(says)) => assert!(found.contains(says), "{found}"),
                (found, wanted) => assert_eq!(Ok(found), wanted, "{asked} {now:?}"),
            }
        }
    }
}
