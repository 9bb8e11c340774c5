//! How long a member was Goose, as far as that is certain.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::answer::Answer;

/// From asking to answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When the question left.
    #[serde(with = "crate::nanoseconds")]
    pub asked: Duration,
    /// When the answer was there.
    #[serde(with = "crate::nanoseconds")]
    pub answered: Duration,
}

/// Answers of one member that say "Goose" in one term, with no "Duck" between them.
///
/// It was certainly Goose from the arrival of the first answer to the departure of the last
/// question. Of a reign of one answer only that is known: at some instant within its span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reign {
    /// `metadata.uid` of the member's pod.
    pub member: Arc<str>,
    /// Name of the pod.
    pub pod: Arc<str>,
    /// The fencing token.
    pub term: u64,
    /// Its first answer.
    pub first: Span,
    /// Its last answer so far.
    pub last: Span,
    /// No other answer of the member has ended it.
    pub(crate) open: bool,
}

impl Reign {
    pub(crate) fn begin(answer: &Answer, term: u64) -> Self {
        let span = Span::of(answer);
        let (member, pod) = (answer.member.clone(), answer.pod.clone());
        Self { member, pod, term, first: span, last: span, open: true }
    }

    pub(crate) fn goes_on_with(&self, answer: &Answer) -> bool {
        self.open && self.member == answer.member && answer.term() == Some(self.term)
    }

    /// Whether there certainly was an instant at which both were Goose.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.shares_an_instant(other)
            || self.covers(other.first)
            || self.covers(other.last)
            || other.covers(self.first)
            || other.covers(self.last)
    }

    /// Whether this one certainly was Goose at an instant after one at which `other` was.
    pub fn outlasts_the_start_of(&self, other: &Self) -> bool {
        other.first.answered <= self.last.asked
    }

    /// Both certain spans have an instant in common.
    fn shares_an_instant(&self, other: &Self) -> bool {
        let from = self.first.answered.max(other.first.answered);
        let until = self.last.asked.min(other.last.asked);
        from <= until
    }

    /// It was certainly Goose during all of the span.
    fn covers(&self, span: Span) -> bool {
        self.first.answered <= span.asked && span.answered <= self.last.asked
    }
}

impl Span {
    pub(crate) fn of(answer: &Answer) -> Self {
        Self { asked: answer.asked, answered: answer.answered }
    }
}

impl fmt::Display for Reign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (self.first.asked.as_secs_f64(), self.last.answered.as_secs_f64());
        write!(f, "{} in term {} ({from:.3} s to {until:.3} s)", self.pod, self.term)
    }
}
