//! The last changes of the Goose, for the status.

use std::time::Duration;

use api::status::{GooseChange, LONGEST_HISTORY};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// How a Goose came to be, as the versions of the Lease showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its term.
    pub term: u64,
    /// From the fixed list of [`api::status::goose_change`].
    pub reason: &'static str,
    /// Since the last sign of the one before; `None` where there was none.
    pub without: Option<Duration>,
}

/// The changes that are to stand, newest first: with the Goose of `term`, unless it is told of
/// already.
pub fn history(
    before: &[GooseChange],
    goose: Option<(&str, i64)>,
    begun: Begun,
    time: &Time,
) -> Vec<GooseChange> {
    let mut history = before.to_vec();
    let newest = before.first().map(|change| change.term);
    let Some((goose, term)) = goose.filter(|(_, term)| newest != Some(*term)) else {
        return history;
    };
    let change = GooseChange {
        time: time.clone(),
        goose: goose.to_owned(),
        term,
        reason: begun.reason.to_owned(),
        without_goose: begun.without.map(|without| in_millis(without).into()),
    };
    history.insert(0, change);
    history.truncate(LONGEST_HISTORY);
    history
}

/// Nobody needs more, and it would be read out to the nanosecond.
fn in_millis(span: Duration) -> Duration {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use api::status::goose_change;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).unwrap())
    }

    fn begun(term: u64) -> Begun {
        let without = Some(Duration::from_micros(1_500_900));
        Begun { term, reason: goose_change::LEASE_RAN_OUT, without }
    }

    #[test]
    fn each_goose_is_told_of_once_and_the_last_ten_are_kept() {
        let mut told = Vec::new();
        for term in 1..=12 {
            told = history(&told, Some(("pond-0", term)), begun(term as u64), &at(term));
            assert_eq!(history(&told, Some(("pond-0", term)), begun(0), &at(99)), told);
            assert_eq!(history(&told, None, begun(0), &at(99)), told);
        }
        let terms: Vec<_> = told.iter().map(|change| change.term).collect();
        assert_eq!(terms, (3..=12).rev().collect::<Vec<_>>());
        assert_eq!(told[0].time, at(12));
        assert_eq!(told[0].reason, "LeaseRanOut");
        let without = told[0].without_goose.map(Duration::from);
        assert_eq!(without, Some(Duration::from_millis(1500)));
    }
}
