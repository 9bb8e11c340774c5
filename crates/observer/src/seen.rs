//! What is known so far.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use history::{
    Answer, History, Judge, Label, LabelJudge, LabelSeen, LeaseSeen, LeaseState, Proof, Said,
    TwoLabels,
};

use crate::way::Way;

/// Everything that is known: the history, and how things stand.
#[derive(Default)]
pub struct Seen {
    /// What was seen and heard.
    pub history: History,
    /// Pairs of Geese that must not be.
    pub proofs: Vec<Proof>,
    /// Pairs of labels that must not be.
    pub two_labels: Vec<TwoLabels>,
    judge: Judge,
    labels: LabelJudge,
    members: BTreeMap<Arc<str>, Member>,
    /// The last question that anybody answered, as the measure of what is old.
    latest: Duration,
}

/// A pod and what it has said last.
#[derive(Clone, Debug)]
pub struct Member {
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// Its name.
    pub pod: Arc<str>,
    /// Its node, once it has one.
    pub node: Option<String>,
    /// Its condition Ready.
    pub ready: bool,
    /// It is being deleted.
    pub leaving: bool,
    /// What its role label says.
    pub label: Label,
    /// `metadata.resourceVersion` of its pod.
    pub version: u64,
    /// The way to it, once there is one.
    pub way: Option<Way>,
    /// Its last answer.
    pub answer: Option<Answer>,
    /// When it first said what it says now.
    pub since: Duration,
}

/// A member that is Goose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goose {
    /// `metadata.uid` of its pod.
    pub uid: Arc<str>,
    /// Name of its pod.
    pub pod: Arc<str>,
    /// Its fencing token.
    pub term: u64,
    /// When the answer was there.
    pub at: Duration,
}

impl Seen {
    /// All pods that are there, by name.
    pub fn members(&self) -> Vec<&Member> {
        let mut members: Vec<_> = self.members.values().collect();
        members.sort_by(|one, other| one.pod.cmp(&other.pod));
        members
    }

    /// The pod of this name.
    pub fn member(&self, pod: &str) -> Option<&Member> {
        self.members.values().find(|member| *member.pod == *pod)
    }

    /// Who says that it is Goose. Of two that do (one of them is about to learn better) the later.
    pub fn goose(&self) -> Option<Goose> {
        let heard = self.members.values().filter(|member| self.heard(member).is_some());
        heard.filter_map(|member| Goose::of(member.answer.as_ref()?)).max_by_key(|goose| goose.term)
    }

    /// What a member last said, unless that is old.
    pub fn heard(&self, member: &Member) -> Option<Said> {
        self.heard_within(OLD, member)
    }

    /// Whether there are so many members, all ready and answering, exactly one of them Goose, and
    /// the labels say the same.
    pub fn is_settled(&self, count: usize) -> bool {
        let is_well = |member: &Member| {
            let label = self.heard_within(FRESH, member).map(|said| match said {
                Said::Goose { .. } => Label::Goose,
                Said::Duck => Label::Duck,
            });
            member.ready && !member.leaving && label == Some(member.label)
        };
        let geese = self.members.values().filter(|member| member.label == Label::Goose).count();
        self.members.len() == count
            && geese == usize::from(count > 0)
            && self.members.values().all(is_well)
    }

    /// The last version of the Lease.
    pub fn lease(&self) -> Option<&LeaseSeen> {
        self.history.leases.last()
    }

    /// Names of the pods that have the Goose's label.
    pub fn labelled_goose(&self) -> Vec<Arc<str>> {
        self.labels.geese().cloned().collect()
    }

    /// How things stand, in one line.
    pub fn describe(&self) -> String {
        let members = self.members().into_iter().map(|member| {
            let said = self.heard(member).map_or("silent".to_owned(), |said| said.to_string());
            let ready = if member.ready { "ready" } else { "not ready" };
            let leaving = if member.leaving { ", leaving" } else { "" };
            format!("{} {said} ({}, {ready}{leaving})", member.pod, member.label)
        });
        let members: Vec<_> = members.collect();
        let members = if members.is_empty() { "no pod".to_owned() } else { members.join(", ") };
        let lease = self.lease().map_or("never seen".to_owned(), |seen| seen.state.to_string());
        format!("{members}; the Lease {lease}")
    }

    /// Hears an answer. Returns whether it is news.
    pub(crate) fn hear(&mut self, answer: Answer) -> bool {
        let proven = self.judge.hear(&answer);
        let mut news = !proven.is_empty();
        self.proofs.extend(proven);
        self.latest = self.latest.max(answer.answered);
        // A last answer may come after its pod is gone.
        if let Some(member) = self.members.get_mut(&answer.member) {
            if member.answer.as_ref().is_none_or(|last| last.said != answer.said) {
                member.since = answer.answered;
                news = true;
            }
            member.answer = Some(answer.clone());
        }
        self.history.answers.push(answer);
        news
    }

    /// A member that is no pod.
    pub(crate) fn introduce(&mut self, name: &Arc<str>, way: Way) -> bool {
        let member = Member {
            uid: name.clone(),
            pod: name.clone(),
            node: None,
            ready: true,
            leaving: false,
            label: Label::None,
            version: 0,
            way: Some(way),
            answer: None,
            since: Duration::ZERO,
        };
        self.members.insert(name.clone(), member).is_none()
    }

    /// The API server's word of a pod; what it has answered stays.
    pub(crate) fn see(&mut self, at: Duration, seen: Member) {
        let known = self.members.get(&seen.uid);
        if known.is_none_or(|known| known.label != seen.label) {
            self.note_label(at, &seen, seen.label);
        }
        let (answer, since) = known_answer(self.members.get(&seen.uid), at);
        self.members.insert(seen.uid.clone(), Member { answer, since, ..seen });
    }

    /// A pod is no more.
    pub(crate) fn forget(&mut self, at: Duration, uid: &str) {
        if let Some(gone) = self.members.remove(uid) {
            self.note_label(at, &gone, Label::Gone);
        }
    }

    pub(crate) fn note_lease(&mut self, seen: LeaseSeen) -> bool {
        let news = self
            .lease()
            .is_none_or(|last| last.uid != seen.uid || !last.state.is_like(&seen.state));
        self.history.leases.push(seen);
        news
    }

    pub(crate) fn lease_is_gone(&mut self, at: Duration) -> bool {
        let Some(last) = self.lease().filter(|last| last.state != LeaseState::Gone) else {
            return false;
        };
        let gone = LeaseSeen { at, state: LeaseState::Gone, ..last.clone() };
        self.note_lease(gone)
    }

    fn heard_within(&self, span: Duration, member: &Member) -> Option<Said> {
        let answer = member.answer.as_ref()?;
        (answer.answered + span > self.latest).then_some(answer.said)
    }

    fn note_label(&mut self, at: Duration, member: &Member, label: Label) {
        let Member { uid: member, pod, version, .. } = member;
        let (member, pod, version) = (member.clone(), pod.clone(), *version);
        let seen = LabelSeen { at, member, pod, label, version };
        self.two_labels.extend(self.labels.hear(&seen));
        self.history.labels.push(seen);
    }
}

fn known_answer(known: Option<&Member>, at: Duration) -> (Option<Answer>, Duration) {
    known.map_or((None, at), |known| (known.answer.clone(), known.since))
}

impl Goose {
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        let (uid, pod) = (answer.member.clone(), answer.pod.clone());
        Some(Self { uid, pod, term: answer.term()?, at: answer.answered })
    }
}

/// A member that has not answered for so long is silent.
const OLD: Duration = Duration::from_secs(1);

/// Who answers 200 times a second and has not for so long may have just died: nothing to settle on.
const FRESH: Duration = Duration::from_millis(150);

#[cfg(test)]
mod tests {
    use super::*;

    fn member(pod: &str, label: Label) -> Member {
        Member {
            uid: format!("uid-of-{pod}").into(),
            pod: pod.into(),
            node: Some("n1".to_owned()),
            ready: true,
            leaving: false,
            label,
            version: 0,
            way: None,
            answer: None,
            since: Duration::ZERO,
        }
    }

    fn says(pod: &str, said: Said, at: u64) -> Answer {
        let at = Duration::from_millis(at);
        let member = format!("uid-of-{pod}").into();
        Answer { member, pod: pod.into(), said, asked: at, answered: at }
    }

    fn seen(pods: &[(&str, Label)]) -> Seen {
        let mut seen = Seen::default();
        for &(pod, label) in pods {
            seen.see(Duration::ZERO, member(pod, label));
        }
        seen
    }

    #[test]
    fn settled_is_one_goose_everybody_heard_and_labels_that_agree() {
        let mut seen = seen(&[("pond-0", Label::Goose), ("pond-1", Label::Duck)]);
        seen.hear(says("pond-0", Said::Goose { term: 5 }, 0));
        assert!(!seen.is_settled(2), "pond-1 has not been heard");
        seen.hear(says("pond-1", Said::Duck, 0));
        assert!(seen.is_settled(2));
        assert!(!seen.is_settled(3));
        seen.see(Duration::ZERO, Member { ready: false, ..member("pond-1", Label::Duck) });
        assert!(!seen.is_settled(2), "pond-1 is not ready");
        seen.see(Duration::ZERO, member("pond-1", Label::Goose));
        assert!(!seen.is_settled(2), "pond-1 has another label");
    }

    #[test]
    fn nobody_is_settled_when_nobody_is_wanted() {
        assert!(seen(&[]).is_settled(0));
        assert!(!seen(&[]).is_settled(1));
    }

    #[test]
    fn a_member_that_has_not_answered_for_long_is_silent() {
        let mut seen = seen(&[("pond-0", Label::Goose), ("pond-1", Label::Duck)]);
        seen.hear(says("pond-0", Said::Goose { term: 5 }, 0));
        assert_eq!(seen.goose().unwrap().term, 5);
        seen.hear(says("pond-1", Said::Duck, 1500));
        assert_eq!(seen.goose(), None);
        let text = "pond-0 silent (labelled goose, ready), pond-1 duck (labelled duck, ready); the Lease never seen";
        assert_eq!(seen.describe(), text);
    }

    #[test]
    fn only_changes_are_news() {
        let mut seen = seen(&[("pond-0", Label::Duck)]);
        assert!(seen.hear(says("pond-0", Said::Duck, 0)));
        assert!(!seen.hear(says("pond-0", Said::Duck, 5)));
        assert!(seen.hear(says("pond-0", Said::Goose { term: 5 }, 10)));
        assert_eq!(seen.members()[0].since, Duration::from_millis(10));
        assert_eq!(seen.history.answers.len(), 3);
    }

    #[test]
    fn labels_are_noted_when_they_change_and_when_their_pod_goes() {
        let mut seen = seen(&[("pond-0", Label::Duck)]);
        seen.see(Duration::ZERO, member("pond-0", Label::Duck));
        seen.see(Duration::ZERO, member("pond-0", Label::Goose));
        seen.forget(Duration::ZERO, "uid-of-pond-0");
        let labels: Vec<_> = seen.history.labels.iter().map(|seen| seen.label).collect();
        assert_eq!(labels, [Label::Duck, Label::Goose, Label::Gone]);
    }
}
