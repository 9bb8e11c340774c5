//! The part of a history that a person wants to read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use crate::answer::{Answer, Said};
use crate::whole::History;

impl History {
    /// What happened from `margin` before the instant until `margin` after it, one line for each
    /// change: answers that repeat the last one of their member are counted, not listed.
    pub fn excerpt(&self, instant: Duration, margin: Duration) -> String {
        let (from, until) = (instant.saturating_sub(margin), instant + margin);
        let within = |at: Duration| from <= at && at <= until;

        let answers = self.answers.iter().filter(|answer| within(answer.answered));
        let mut lines: Vec<Line> = runs(answers).into_iter().map(Run::line).collect();
        let labels = self.labels.iter().filter(|seen| within(seen.at));
        lines.extend(labels.map(|seen| Line::new(seen.at, &seen.pod, seen.label.to_string())));
        lines.extend(self.lease_changes(within));

        lines.sort_by_key(|line| line.at);
        lines.iter().fold(String::new(), |mut text, line| {
            let at = line.at.as_secs_f64();
            let _ = writeln!(text, "{at:10.4} s  {:20} {}", line.who, line.what);
            text
        })
    }

    fn lease_changes(&self, within: impl Fn(Duration) -> bool) -> Vec<Line> {
        let mut changes = self.leases.clone();
        changes.dedup_by(|next, last| next.state.is_like(&last.state) && next.uid == last.uid);
        let changes = changes.into_iter().filter(|seen| within(seen.at));
        let describe =
            |seen: &crate::LeaseSeen| format!("{}, version {}", seen.state, seen.version);
        changes.map(|seen| Line::new(seen.at, "the Lease", describe(&seen))).collect()
    }
}

struct Line {
    at: Duration,
    who: Arc<str>,
    what: String,
}

impl Line {
    fn new(at: Duration, who: &str, what: String) -> Self {
        Self { at, who: who.into(), what }
    }
}

/// Answers of one member that say the same.
struct Run {
    pod: Arc<str>,
    said: Said,
    first: Duration,
    last: Duration,
    count: usize,
}

impl Run {
    fn line(self) -> Line {
        let Self { pod, said, first, last, count } = self;
        let what = match count {
            1 => format!("says {said}"),
            _ => format!("says {said}, {count} times until {:.4} s", last.as_secs_f64()),
        };
        Line::new(first, &pod, what)
    }
}

fn runs<'a>(answers: impl Iterator<Item = &'a Answer>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for answer in answers {
        let run = last.get(&*answer.member).map(|&index| &mut runs[index]);
        match run.filter(|run| run.said == answer.said) {
            Some(run) => {
                run.last = answer.answered;
                run.count += 1;
            }
            None => {
                last.insert(&answer.member, runs.len());
                let (pod, said, at) = (answer.pod.clone(), answer.said, answer.answered);
                runs.push(Run { pod, said, first: at, last: at, count: 1 });
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::{Label, LabelSeen};
    use crate::lease::{LeaseSeen, LeaseState};

    #[test]
    fn tells_changes_in_the_order_of_time() {
        let at = Duration::from_millis;
        let answer = |member: &str, said, asked| Answer {
            member: member.into(),
            pod: member.into(),
            said,
            asked: at(asked),
            answered: at(asked),
        };
        let lease = |time, attempt| LeaseSeen {
            at: at(time),
            uid: "l".into(),
            version: time,
            state: LeaseState::Held {
                pod: "a".into(),
                incarnation: "a_u_1".into(),
                term: 5,
                attempt,
                duration: at(6000),
            },
            after_gap: false,
        };
        let history = History {
            answers: vec![
                answer("a", Said::Goose { term: 5 }, 10),
                answer("b", Said::Duck, 11),
                answer("a", Said::Goose { term: 5 }, 20),
                answer("a", Said::Duck, 30),
                answer("a", Said::Duck, 9000),
            ],
            labels: vec![LabelSeen {
                at: at(31),
                member: "a".into(),
                pod: "a".into(),
                label: Label::Duck,
                version: 0,
            }],
            leases: vec![lease(9, 1), lease(19, 2)],
        };
        let excerpt = history.excerpt(at(20), at(100));
        let lines: Vec<_> = excerpt.lines().map(str::trim_start).collect();
        assert_eq!(
            lines,
            [
                "0.0090 s  the Lease            held by a in term 5, version 9",
                "0.0100 s  a                    says goose in term 5, 2 times until 0.0200 s",
                "0.0110 s  b                    says duck",
                "0.0300 s  a                    says duck",
                "0.0310 s  a                    labelled duck",
            ]
        );
    }
}
