//! Whether answers prove that there were two Geese.
//!
//! Only what is certain counts: a judge that cries wolf is not listened to. What two members said
//! in spans that merely touch may have been true one after the other.

use std::collections::HashSet;
use std::fmt;

use crate::answer::{Answer, Said};
use crate::reign::{Reign, Span};

/// Judges a whole history: every pair of reigns that must not be.
///
/// The answers may be in any order that keeps those of each member in theirs.
pub fn judge<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Vec<Proof> {
    let mut judge = Judge::default();
    answers.into_iter().flat_map(|answer| judge.hear(answer)).collect()
}

/// Hears answers one by one.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    reigns: Vec<Reign>,
    told: HashSet<(Fault, usize, usize)>,
    heard: u64,
}

/// What two reigns are guilty of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Two members were Goose at one instant.
    TwoGeese,
    /// Two members were Goose in one term: nobody can tell their writes apart.
    SharedTerm,
    /// A term was still, or again, answered after a greater one had been received.
    TermWentBack,
}

/// Two reigns that must not both be, as they were known when that became certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What is wrong with them.
    pub fault: Fault,
    /// The one that was heard of first.
    pub one: Reign,
    /// The other.
    pub other: Reign,
}

impl Judge {
    /// Hears one answer; those of one member in the order in which it gave them. Returns what it
    /// proves that was not proven before.
    pub fn hear(&mut self, answer: &Answer) -> Vec<Proof> {
        self.heard += 1;
        let Said::Goose { term } = answer.said else {
            self.close(answer);
            return Vec::new();
        };
        let index = self.extend(answer, term);
        let others = (0..self.reigns.len()).filter(|&other| other != index);
        let found = others.filter_map(|other| {
            let (one, other) = (index.min(other), index.max(other));
            let fault = fault(&self.reigns[one], &self.reigns[other])?;
            Some((fault, one, other))
        });
        let new: Vec<_> = found.filter(|found| !self.told.contains(found)).collect();
        self.told.extend(&new);
        new.into_iter().map(|found| self.proof(found)).collect()
    }

    /// All reigns so far, in the order in which they were heard of.
    pub fn reigns(&self) -> &[Reign] {
        &self.reigns
    }

    /// How many answers it has heard.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Makes the answer part of the reign that it goes on with, or of a new one.
    fn extend(&mut self, answer: &Answer, term: u64) -> usize {
        let found = self.reigns.iter().rposition(|reign| reign.goes_on_with(answer));
        match found {
            Some(index) => {
                self.reigns[index].last = Span::of(answer);
                index
            }
            None => {
                self.close(answer);
                self.reigns.push(Reign::begin(answer, term));
                self.reigns.len() - 1
            }
        }
    }

    fn close(&mut self, answer: &Answer) {
        let own = self.reigns.iter_mut().filter(|reign| reign.member == answer.member);
        own.for_each(|reign| reign.open = false);
    }

    fn proof(&self, (fault, one, other): (Fault, usize, usize)) -> Proof {
        Proof { fault, one: self.reigns[one].clone(), other: self.reigns[other].clone() }
    }
}

/// The worst that these two are guilty of.
fn fault(one: &Reign, other: &Reign) -> Option<Fault> {
    let two_members = one.member != other.member;
    if two_members && one.overlaps(other) {
        return Some(Fault::TwoGeese);
    }
    if one.term == other.term {
        return two_members.then_some(Fault::SharedTerm);
    }
    let (older, newer) = if one.term < other.term { (one, other) } else { (other, one) };
    older.outlasts_the_start_of(newer).then_some(Fault::TermWentBack)
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} and {}", self.fault, self.one, self.other)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoGeese => "two Geese at one time",
            Self::SharedTerm => "two Geese in one term",
            Self::TermWentBack => "a term went back",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn goose(member: &str, term: u64, asked: u64, answered: u64) -> Answer {
        answer(member, Said::Goose { term }, asked, answered)
    }

    fn duck(member: &str, asked: u64, answered: u64) -> Answer {
        answer(member, Said::Duck, asked, answered)
    }

    fn answer(member: &str, said: Said, asked: u64, answered: u64) -> Answer {
        let [asked, answered] = [asked, answered].map(Duration::from_millis);
        Answer { member: member.into(), pod: member.into(), said, asked, answered }
    }

    #[track_caller]
    fn assert_faults(answers: &[Answer], wanted: &[Fault]) {
        let found: Vec<_> = judge(answers).into_iter().map(|proof| proof.fault).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn one_after_the_other_is_fine() {
        let answers = [
            goose("a", 1, 0, 2),
            duck("b", 0, 2),
            goose("a", 1, 10, 12),
            duck("a", 20, 22),
            goose("b", 2, 20, 22),
            goose("b", 2, 30, 32),
        ];
        assert_faults(&answers, &[]);
    }

    #[test]
    fn an_answer_within_anothers_reign_is_two() {
        let answers = [goose("a", 1, 0, 2), goose("b", 2, 5, 7), goose("a", 1, 10, 12)];
        assert_faults(&answers, &[Fault::TwoGeese]);
    }

    #[test]
    fn reigns_that_overlap_are_two_and_told_once() {
        let answers = [
            goose("a", 1, 0, 2),
            goose("b", 2, 1, 3),
            goose("a", 1, 10, 12),
            goose("b", 2, 11, 13),
            goose("a", 1, 20, 22),
            goose("b", 2, 21, 23),
        ];
        // A's second question left after B's first answer was there: told at once, and then the worse.
        assert_faults(&answers, &[Fault::TermWentBack, Fault::TwoGeese]);
    }

    #[test]
    fn spans_that_only_touch_prove_nothing() {
        // B's answer may have been given after 10, when A's last one was.
        let answers = [goose("a", 1, 0, 2), goose("b", 2, 5, 11), goose("a", 1, 10, 12)];
        assert_faults(&answers, &[]);
    }

    #[test]
    fn a_duck_between_breaks_the_reign() {
        let answers = [
            goose("a", 1, 0, 2),
            duck("a", 3, 4),
            goose("b", 2, 5, 7),
            duck("b", 8, 9),
            goose("a", 3, 10, 12),
        ];
        assert_faults(&answers, &[]);
    }

    #[test]
    fn a_smaller_term_after_a_greater_one_is_told() {
        // Never certainly two at one instant: B may have stopped before A was asked again.
        let answers = [
            goose("a", 1, 0, 2),
            duck("a", 3, 4),
            goose("b", 2, 5, 7),
            duck("b", 8, 9),
            goose("a", 1, 10, 12),
        ];
        assert_faults(&answers, &[Fault::TermWentBack]);
        let of_one_member = [goose("a", 2, 0, 2), goose("a", 1, 5, 7)];
        assert_faults(&of_one_member, &[Fault::TermWentBack]);
    }

    #[test]
    fn a_smaller_term_asked_for_before_a_greater_one_was_received_is_fine() {
        let answers = [goose("a", 1, 0, 2), goose("b", 2, 5, 9), goose("a", 1, 6, 8)];
        assert_faults(&answers, &[]);
    }

    #[test]
    fn one_term_of_two_members_is_told_even_if_never_at_one_time() {
        let answers = [goose("a", 1, 0, 2), duck("a", 3, 4), goose("b", 1, 50, 52)];
        assert_faults(&answers, &[Fault::SharedTerm]);
    }

    #[test]
    fn a_member_that_is_goose_again_in_a_later_term_is_fine() {
        assert_faults(&[goose("a", 1, 0, 2), goose("a", 3, 10, 12)], &[]);
    }

    #[test]
    fn it_does_not_matter_who_is_heard_first() {
        // B was asked slowly and is heard after all of A's.
        let answers = [goose("a", 1, 0, 2), goose("a", 1, 30, 32), goose("b", 2, 5, 7)];
        assert_faults(&answers, &[Fault::TwoGeese]);
    }

    #[test]
    fn reigns_and_answers_are_counted() {
        let mut judge = Judge::default();
        for answer in [goose("a", 1, 0, 2), goose("a", 1, 4, 6), duck("a", 8, 9)] {
            judge.hear(&answer);
        }
        assert_eq!(judge.heard(), 3);
        let [reign] = judge.reigns() else { panic!("wanted one, found {:?}", judge.reigns()) };
        assert_eq!(reign.to_string(), "a in term 1 (0.000 s to 0.006 s)");
    }
}
