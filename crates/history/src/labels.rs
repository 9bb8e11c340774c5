//! Role labels, and whether two pods ever had the Goose's.
//!
//! One watch tells of all pods in the order of their versions, so the state after each of its
//! events is one that was there: no instants have to be compared.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a pod's role label says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// `goose`
    Goose,
    /// `duck`
    Duck,
    /// There is none, or another word.
    None,
    /// The pod is no more.
    Gone,
}

/// A pod's label from an instant on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelSeen {
    /// When the watch told of it, on the clock of the history.
    #[serde(with = "crate::nanoseconds")]
    pub at: Duration,
    /// `metadata.uid` of the pod.
    pub member: Arc<str>,
    /// Name of the pod.
    pub pod: Arc<str>,
    /// What it says.
    pub label: Label,
    /// `metadata.resourceVersion` of the pod, as it was then; 0 where it is not known.
    #[serde(default)]
    pub version: u64,
}

/// Two pods with the Goose's label at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoLabels {
    /// The pod that had it already.
    pub one: Arc<str>,
    /// The pod that got it, too.
    pub other: Arc<str>,
    /// When the watch told of that.
    pub at: Duration,
}

/// Hears of labels one by one, in the order of one watch.
#[derive(Clone, Debug, Default)]
pub struct LabelJudge {
    /// Name by uid of whoever has the Goose's label.
    geese: BTreeMap<Arc<str>, Arc<str>>,
}

impl LabelJudge {
    /// Hears of one; returns the pod, if any, that has the Goose's label beside it.
    pub fn hear(&mut self, seen: &LabelSeen) -> Option<TwoLabels> {
        if seen.label != Label::Goose {
            self.geese.remove(&seen.member);
            return None;
        }
        let new = self.geese.insert(seen.member.clone(), seen.pod.clone()).is_none();
        let mut others = self.geese.iter().filter(|(member, _)| **member != seen.member);
        let (_, one) = others.next().filter(|_| new)?;
        Some(TwoLabels { one: one.clone(), other: seen.pod.clone(), at: seen.at })
    }

    /// Names of the pods that have the Goose's label now.
    pub fn geese(&self) -> impl Iterator<Item = &Arc<str>> {
        self.geese.values()
    }
}

impl fmt::Display for TwoLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { one, other, at } = self;
        write!(f, "two pods with the Goose's label at {:.3} s: {one} and {other}", at.as_secs_f64())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Goose => "labelled goose",
            Self::Duck => "labelled duck",
            Self::None => "without a role label",
            Self::Gone => "gone",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(labels: &[(&str, Label)]) -> usize {
        let mut judge = LabelJudge::default();
        let seen = labels.iter().enumerate().map(|(at, &(pod, label))| LabelSeen {
            at: Duration::from_millis(at as u64),
            member: pod.into(),
            pod: pod.into(),
            label,
            version: 0,
        });
        seen.filter_map(|seen| judge.hear(&seen)).count()
    }

    #[test]
    fn off_the_old_pod_before_on_the_new_one_is_fine() {
        use Label::{Duck, Goose};
        assert_eq!(found(&[("a", Goose), ("b", Duck), ("a", Duck), ("b", Goose)]), 0);
    }

    #[test]
    fn a_pod_that_is_gone_has_no_label() {
        assert_eq!(found(&[("a", Label::Goose), ("a", Label::Gone), ("b", Label::Goose)]), 0);
    }

    #[test]
    fn on_the_new_pod_first_is_told_once() {
        use Label::{Duck, Goose};
        let labels = [("a", Goose), ("b", Goose), ("b", Goose), ("a", Duck), ("b", Goose)];
        assert_eq!(found(&labels), 1);
    }

    #[test]
    fn two_again_is_told_again() {
        use Label::{Duck, Goose};
        assert_eq!(found(&[("a", Goose), ("b", Goose), ("b", Duck), ("b", Goose)]), 2);
    }
}
