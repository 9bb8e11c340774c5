//! Fail-back: the role moves to a better pod while the Goose is well, where that is wanted.

use std::sync::Arc;
use std::time::Duration;

use api::status::GooseChange;
use election::lease::HandOverOrder;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::pods::ready_for;
use super::succession::Rules;

/// What it is decided from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Who comes before whom.
    pub rules: &'a Rules<'a>,
    /// Who is ready and next in line.
    pub line: &'a [Arc<Pod>],
    /// The Goose's pod.
    pub goose: &'a Pod,
    /// Its term.
    pub term: u64,
    /// The last changes of the Goose, newest first.
    pub history: &'a [GooseChange],
    /// `spec.lease.duration`.
    pub lease: Duration,
    /// The time now, to compare with what pods and the history say.
    pub time: Timestamp,
}

/// Who is better than the Goose, and after how long the role is to move there.
///
/// The Goose has led for that long then, and the better pod been ready; the wait doubles with each
/// time that this pod lost the role before.
pub fn better(now: Situation) -> Option<(HandOverOrder, Duration)> {
    let rules = now.rules;
    let next = now.line.iter().find(|pod| rules.leaving(pod).is_none())?;
    if rules.rank(next) >= rules.rank(now.goose) {
        return None;
    }
    // Before the change is in the history, it is not known since when the Goose leads.
    let newest = now.history.first()?;
    if u64::try_from(newest.term) != Ok(now.term) {
        return None;
    }
    let span =
        |since: Timestamp| Duration::try_from(now.time.duration_since(since)).unwrap_or_default();
    let name = next.name_any();
    let lost = now.history.iter().filter(|change| change.goose == name);
    let lost = lost.filter(|change| span(change.time.0) < REMEMBERED).count();
    let patience = now.lease * LEASES * (1 << lost.min(MOST_DOUBLINGS));
    let waited = span(newest.time.0).min(ready_for(next, now.time)?);
    let order = HandOverOrder { to: next.uid()?, term: now.term };
    Some((order, patience.saturating_sub(waited)))
}

const LEASES: u32 = 5;

const MOST_DOUBLINGS: usize = 6;

/// What happened before is no sign of how well a pod is now.
const REMEMBERED: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use api::GooseSettings;
    use api::goose::Choice;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::super::pods::sample::pod;
    use super::super::succession::sample::rules;
    use super::*;

    fn change(goose: &str, term: i64, second: i64) -> GooseChange {
        let time = Time(Timestamp::from_second(second).unwrap());
        let (goose, reason) = (goose.to_owned(), "HandedOver".to_owned());
        GooseChange { time, goose, term, reason, without_goose: None }
    }

    #[test]
    fn the_better_one_is_waited_for_longer_each_time_it_lost_the_role() {
        let first = Choice { ordinal: Some(0), match_labels: None };
        let priorities = vec![first];
        let goose = GooseSettings { priorities, ..GooseSettings::default() };
        let nowhere = HashSet::new();
        let rules = Rules { goose: &goose, ..rules(3, &nowhere) };
        let at = 10_000;
        let since = |ago| change("pond-1", 7, at - ago);
        let lost = |ago| change("pond-0", 6, at - ago);
        for (what, leads, history, wanted) in [
            ("it is the best", 0, vec![change("pond-0", 7, 0)], None),
            ("just now", 1, vec![since(0)], Some(30)),
            ("some time ago", 1, vec![since(10)], Some(20)),
            ("long ago", 1, vec![since(30)], Some(0)),
            ("lost once", 1, vec![since(30), lost(40)], Some(30)),
            ("lost twice", 1, vec![since(30), lost(40), since(50), lost(60)], Some(90)),
            ("lost once, long ago", 1, vec![since(30), lost(4000)], Some(0)),
            ("not in the history yet", 1, vec![lost(40)], None),
        ] {
            let members: Vec<_> = (0..3).map(|n| Arc::new(pod(n, "duck", true))).collect();
            let found = better(Situation {
                rules: &rules,
                line: &rules.line(&members, Some(&format!("p{leads}"))),
                goose: &members[leads],
                term: 7,
                history: &history,
                lease: Duration::from_secs(6),
                time: Timestamp::from_second(at).unwrap(),
            });
            let order = HandOverOrder { to: "p0".into(), term: 7 };
            let wanted = wanted.map(|left| (order, Duration::from_secs(left)));
            assert_eq!(found, wanted, "{what}");
        }
    }
}
