//! One observation from start to end, and what can be measured in it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Said};
use crate::judge::{Judge, Proof};
use crate::labels::{LabelJudge, LabelSeen, TwoLabels};
use crate::lease::LeaseSeen;
use crate::reign::Reign;

/// Everything that was seen. All times are on one clock, from its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// What the members answered, in the order in which it was heard.
    pub answers: Vec<Answer>,
    /// Changes of the pods' role labels, in the order of their watch.
    pub labels: Vec<LabelSeen>,
    /// The versions of the Lease.
    pub leases: Vec<LeaseSeen>,
}

/// What a history proves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Pairs of reigns that must not be.
    pub geese: Vec<Proof>,
    /// Pairs of labels that must not be.
    pub labels: Vec<TwoLabels>,
}

/// A time without a Goose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last answer of a Goose.
    pub from: Duration,
    /// The first answer of the next one.
    pub until: Duration,
}

impl History {
    /// Everything that must not be.
    pub fn verdict(&self) -> Verdict {
        let mut labels = LabelJudge::default();
        Verdict {
            geese: crate::judge(&self.answers),
            labels: self.labels.iter().filter_map(|seen| labels.hear(seen)).collect(),
        }
    }

    /// All reigns, by the first answer of each.
    pub fn reigns(&self) -> Vec<Reign> {
        let mut judge = Judge::default();
        for answer in &self.answers {
            judge.hear(answer);
        }
        let mut reigns = judge.reigns().to_vec();
        reigns.sort_by_key(|reign| reign.first.answered);
        reigns
    }

    /// The times without a Goose between the first reign and the last. Each is as long as it can
    /// have been: from one's last answer to the next one's first.
    pub fn gaps(&self) -> Vec<Gap> {
        let reigns = self.reigns();
        let pairs = reigns
            .windows(2)
            .map(|pair| Gap { from: pair[0].last.answered, until: pair[1].first.answered });
        pairs.filter(|gap| gap.from < gap.until).collect()
    }

    /// The same without answers that repeat both the one before and the one after them of their
    /// member: it proves the same, and is a hundred times smaller.
    pub fn condensed(&self) -> Self {
        let mut kept: Vec<Answer> = Vec::new();
        // The last two that were kept, by member.
        let mut last: HashMap<Arc<str>, [Option<usize>; 2]> = HashMap::new();
        for answer in &self.answers {
            let [before, newest] = last.entry(answer.member.clone()).or_default();
            let repeats =
                |index: &Option<usize>| index.is_some_and(|index| kept[index].said == answer.said);
            if let Some(index) = *newest
                && repeats(newest)
                && repeats(before)
            {
                kept[index] = answer.clone();
                continue;
            }
            (*before, *newest) = (*newest, Some(kept.len()));
            kept.push(answer.clone());
        }
        kept.sort_by_key(|answer| answer.answered);
        Self { answers: kept, labels: self.labels.clone(), leases: self.leases.clone() }
    }

    /// The first "Goose" to a question that was asked after `instant`, of this member or of any.
    pub fn first_goose(&self, member: Option<&str>, instant: Duration) -> Option<&Answer> {
        self.first(|answer| {
            answer.term().is_some()
                && answer.asked > instant
                && member.is_none_or(|member| *answer.member == *member)
        })
    }

    /// The first "Goose" of a term greater than this.
    pub fn first_goose_of_later_term(&self, term: u64) -> Option<&Answer> {
        self.first(|answer| answer.term().is_some_and(|found| found > term))
    }

    /// The member's first "Duck" to a question that was asked after `instant`.
    pub fn first_duck(&self, member: &str, instant: Duration) -> Option<&Answer> {
        self.first(|answer| {
            answer.said == Said::Duck && answer.asked > instant && *answer.member == *member
        })
    }

    /// The member's last "Goose".
    pub fn last_goose(&self, member: &str) -> Option<&Answer> {
        let own = self.answers.iter().filter(|answer| *answer.member == *member);
        own.filter(|answer| answer.term().is_some()).max_by_key(|answer| answer.answered)
    }

    /// The greatest term that anybody answered.
    pub fn last_term(&self) -> Option<u64> {
        self.answers.iter().filter_map(Answer::term).max()
    }

    /// By the time of its arrival, since answers are not noted in that order.
    fn first(&self, mut wanted: impl FnMut(&Answer) -> bool) -> Option<&Answer> {
        let found = self.answers.iter().filter(|answer| wanted(answer));
        found.min_by_key(|answer| answer.answered)
    }
}

impl Verdict {
    /// Nothing of what must not be was proven.
    pub fn is_good(&self) -> bool {
        self.geese.is_empty() && self.labels.is_empty()
    }

    /// What was proven, one thing a line, each with the instant around which to look.
    pub fn findings(&self) -> impl Iterator<Item = (Duration, String)> {
        let geese = self.geese.iter().map(|proof| (proof.other.first.asked, proof.to_string()));
        let labels = self.labels.iter().map(|two| (two.at, two.to_string()));
        geese.chain(labels)
    }
}

impl Gap {
    /// How long it was at most.
    pub fn length(&self) -> Duration {
        self.until - self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Label;

    const ALL: [(&str, Option<u64>, u64); 8] = [
        ("a", Some(5), 0),
        ("b", None, 1),
        ("a", Some(5), 10),
        ("a", None, 20),
        ("b", Some(9), 35),
        ("a", None, 40),
        ("b", Some(9), 45),
        ("a", Some(12), 60),
    ];

    /// Each is asked at this millisecond and answers 2 ms later.
    fn history() -> History {
        let at = Duration::from_millis;
        let answers = ALL.map(|(member, term, asked)| Answer {
            member: member.into(),
            pod: member.into(),
            said: term.map_or(Said::Duck, |term| Said::Goose { term }),
            asked: at(asked),
            answered: at(asked + 2),
        });
        History { answers: answers.to_vec(), ..History::default() }
    }

    fn answered(answer: Option<&Answer>) -> u128 {
        answer.expect("there is one").answered.as_millis()
    }

    #[test]
    fn gaps_are_from_the_last_goose_to_the_next_first() {
        let gaps: Vec<_> = history().gaps().iter().map(|gap| gap.length().as_millis()).collect();
        assert_eq!(gaps, [37 - 12, 62 - 47]);
    }

    #[test]
    fn first_and_last_answers_are_found() {
        let history = history();
        assert_eq!(answered(history.first_goose(None, Duration::from_millis(10))), 37);
        assert_eq!(answered(history.first_goose(Some("a"), Duration::from_millis(10))), 62);
        assert_eq!(answered(history.first_goose_of_later_term(9)), 62);
        assert_eq!(answered(history.first_duck("a", Duration::ZERO)), 22);
        assert_eq!(answered(history.first_duck("a", Duration::from_millis(20))), 42);
        assert_eq!(answered(history.last_goose("b")), 47);
        assert_eq!(history.last_term(), Some(12));
        assert!(history.first_goose(None, Duration::from_millis(60)).is_none());
    }

    #[test]
    fn condensed_it_has_the_same_reigns() {
        let mut history = history();
        let again = |asked| Answer {
            asked: Duration::from_millis(asked),
            answered: Duration::from_millis(asked + 2),
            ..history.answers.last().unwrap().clone()
        };
        let more: Vec<_> = [70, 80, 90, 100].map(again).to_vec();
        history.answers.extend(more);
        let condensed = history.condensed();
        assert_eq!(condensed.answers.len(), ALL.len() + 1);
        assert_eq!(condensed.reigns(), history.reigns());
    }

    #[test]
    fn the_verdict_is_about_answers_and_labels() {
        let mut history = history();
        assert!(history.verdict().is_good());
        for pod in ["a", "b"] {
            let (member, pod, label) = (pod.into(), pod.into(), Label::Goose);
            let at = Duration::from_millis(7);
            history.labels.push(LabelSeen { at, member, pod, label, version: 0 });
        }
        let findings: Vec<_> = history.verdict().findings().map(|(_, text)| text).collect();
        assert_eq!(findings, ["two pods with the Goose's label at 0.007 s: a and b"]);
    }

    #[test]
    fn a_history_is_read_back_as_it_was_written() {
        let text = serde_json::to_string(&history()).unwrap();
        assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history());
        assert!(text.contains(r#""said":{"goose":{"term":5}},"asked":0,"answered":2000000"#));
    }
}
