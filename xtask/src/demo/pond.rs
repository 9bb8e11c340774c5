//! What is known of the members, from the API server and from their own answers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Result, bail};
use history::{Answer, Judge, Proof, Said};
use tokio::sync::watch;

use super::ask::Clock;

/// Everything known, shared by who finds out and who waits for it.
pub struct Pond {
    /// That all times here are on.
    pub clock: Clock,
    known: Mutex<Known>,
    /// Counts what has changed, for those who wait.
    changes: watch::Sender<u64>,
}

/// Everything known.
#[derive(Default)]
pub struct Known {
    /// By uid.
    members: BTreeMap<String, Member>,
    judge: Judge,
    wrongs: Vec<Proof>,
    turns: Vec<Turn>,
    /// When somebody last said that it is Goose.
    last_goose: Option<Duration>,
}

/// A pod.
#[derive(Clone, Debug)]
pub struct Member {
    /// `metadata.uid`.
    pub uid: String,
    /// Its name.
    pub pod: String,
    /// The node that it is bound to.
    pub node: String,
    /// As the API server has it.
    pub ready: bool,
    /// It is being deleted.
    pub leaving: bool,
    /// What it answered to the last question; none where it did not.
    pub said: Option<Said>,
    /// Since when it says so.
    pub since: Duration,
}

/// The moment at which a member first said something else than before.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The first answer of the new kind.
    pub answer: Answer,
    /// For how long nobody had said that it is Goose; none where nobody ever had.
    pub gap: Option<Duration>,
}

/// A member that is Goose.
#[derive(Clone, Debug)]
pub struct Goose {
    /// `metadata.uid` of its pod.
    pub uid: String,
    /// Its name.
    pub pod: String,
    /// Its node.
    pub node: String,
    /// Its term.
    pub term: u64,
}

impl Pond {
    /// Nobody is known.
    pub fn new() -> Self {
        Self { clock: Clock::start(), known: Mutex::default(), changes: watch::Sender::new(0) }
    }

    /// The API server's word of a pod; what it has answered stays.
    pub fn see(&self, seen: Member) {
        self.change(|known| {
            let member = known.members.entry(seen.uid.clone()).or_insert_with(|| seen.clone());
            *member = Member { said: member.said, since: member.since, ..seen };
        });
    }

    /// A pod is no more.
    pub fn forget(&self, uid: &str) {
        self.change(|known| {
            known.members.remove(uid);
        });
    }

    /// A pod's answer. Returns what it proves that must not be.
    pub fn hear(&self, answer: &Answer) -> Vec<Proof> {
        let (turned, proven) = {
            let mut known = self.lock();
            let proven = known.judge.hear(answer);
            known.wrongs.extend(proven.iter().cloned());
            (known.note(answer), proven)
        };
        if turned {
            self.tell();
        }
        proven
    }

    /// A pod did not answer.
    pub fn miss(&self, uid: &str) {
        let now = self.clock.now();
        let fell_silent = self.lock().fall_silent(uid, now);
        if fell_silent {
            self.tell();
        }
    }

    /// Looks at what is known now.
    pub fn look<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.lock())
    }

    /// Waits until `look` finds something in what is known.
    ///
    /// # Errors
    /// Where it does not within `patience`.
    pub async fn until<T>(
        &self,
        what: &str,
        patience: Duration,
        look: impl Fn(&Known) -> Option<T>,
    ) -> Result<T> {
        let mut changes = self.changes.subscribe();
        let found = async {
            loop {
                if let Some(found) = self.look(&look) {
                    return found;
                }
                // The sender is ours: there will be another change, or the patience ends.
                let _ = changes.changed().await;
            }
        };
        match tokio::time::timeout(patience, found).await {
            Ok(found) => Ok(found),
            Err(_) => {
                let found = self.look(Known::describe);
                bail!("wanted {what} within {} s, found {found}", patience.as_secs())
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.lock());
        self.tell();
    }

    fn tell(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("nobody panics while looking")
    }
}

impl Known {
    /// All members, by name.
    pub fn members(&self) -> Vec<&Member> {
        let mut members: Vec<_> = self.members.values().collect();
        members.sort_by(|one, other| one.pod.cmp(&other.pod));
        members
    }

    /// Who says that it is Goose. Of two that do (one was asked before it knew better) the later.
    pub fn goose(&self) -> Option<Goose> {
        self.members.values().filter_map(Member::as_goose).max_by_key(|goose| goose.term)
    }

    /// The first "Goose" of a later term than this.
    pub fn goose_after(&self, term: u64) -> Option<Turn> {
        let later = self.turns.iter().filter(|turn| turn.answer.term() > Some(term));
        later.min_by_key(|turn| turn.answer.answered).cloned()
    }

    /// The first "Duck" of this member that was asked for after this instant.
    pub fn duck_after(&self, uid: &str, instant: Duration) -> Option<Answer> {
        let own =
            self.turns.iter().map(|turn| &turn.answer).filter(|answer| *answer.member == *uid);
        own.into_iter().find(|answer| answer.said == Said::Duck && answer.asked > instant).cloned()
    }

    /// Whether there are so many members, all ready and answering, and exactly one is Goose.
    pub fn is_settled(&self, count: usize) -> bool {
        let well = |member: &Member| member.ready && !member.leaving && member.said.is_some();
        let geese = self.members.values().filter_map(Member::as_goose).count();
        self.members.len() == count && geese == 1 && self.members.values().all(well)
    }

    /// How many answers there were.
    pub fn answers(&self) -> u64 {
        self.judge.heard()
    }

    /// Everything that was proven and must not be, such as two Geese at one time.
    pub fn wrongs(&self) -> &[Proof] {
        &self.wrongs
    }

    /// Notes an answer, and returns whether it is another one than the last.
    fn note(&mut self, answer: &Answer) -> bool {
        // A last answer may come after its pod is gone.
        let Some(member) = self.members.get_mut(&*answer.member) else { return false };
        let turned = member.said != Some(answer.said);
        if turned {
            member.said = Some(answer.said);
            member.since = answer.answered;
            let gap = self.last_goose.map(|last| answer.answered.saturating_sub(last));
            self.turns.push(Turn { answer: answer.clone(), gap });
        }
        if answer.term().is_some() {
            self.last_goose = Some(answer.answered);
        }
        turned
    }

    /// Notes that a member did not answer, and returns whether it had before.
    fn fall_silent(&mut self, uid: &str, now: Duration) -> bool {
        let Some(member) = self.members.get_mut(uid) else { return false };
        let had_answered = member.said.take().is_some();
        if had_answered {
            member.since = now;
        }
        had_answered
    }

    fn describe(&self) -> String {
        let members = self.members().into_iter().map(|member| {
            let said = member.said.map_or("silent".to_owned(), |said| said.to_string());
            let ready = if member.ready { "ready" } else { "not ready" };
            format!("{} {said} ({ready})", member.pod)
        });
        let members: Vec<_> = members.collect();
        if members.is_empty() { "no pod".to_owned() } else { members.join(", ") }
    }
}

impl Member {
    fn as_goose(&self) -> Option<Goose> {
        let Some(Said::Goose { term }) = self.said else { return None };
        Some(Goose { uid: self.uid.clone(), pod: self.pod.clone(), node: self.node.clone(), term })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn member(pod: &str) -> Member {
        Member {
            uid: format!("uid-of-{pod}"),
            pod: pod.to_owned(),
            node: "n1".to_owned(),
            ready: true,
            leaving: false,
            said: None,
            since: Duration::ZERO,
        }
    }

    fn pond(pods: &[&str]) -> Pond {
        let pond = Pond::new();
        pods.iter().for_each(|pod| pond.see(member(pod)));
        pond
    }

    /// `pod` is asked at this time and answers at once.
    fn says(pond: &Pond, pod: &str, said: Said, at: Duration) {
        let member = format!("uid-of-{pod}").into();
        pond.hear(&Answer { member, pod: pod.into(), said, asked: at, answered: at });
    }

    #[test]
    fn settled_is_one_goose_and_everybody_heard_and_ready() {
        let pond = pond(&["pond-0", "pond-1"]);
        says(&pond, "pond-0", Said::Goose { term: 5 }, NOW);
        assert!(!pond.look(|known| known.is_settled(2)), "pond-1 has not been heard");
        says(&pond, "pond-1", Said::Duck, NOW);
        assert!(pond.look(|known| known.is_settled(2)));
        assert!(!pond.look(|known| known.is_settled(3)));
        pond.miss("uid-of-pond-1");
        assert!(!pond.look(|known| known.is_settled(2)), "pond-1 is silent");
        says(&pond, "pond-1", Said::Duck, 2 * NOW);
        pond.see(Member { ready: false, ..member("pond-1") });
        assert!(!pond.look(|known| known.is_settled(2)), "pond-1 is not ready");
    }

    #[test]
    fn finds_the_first_goose_of_a_later_term() {
        let pond = pond(&["pond-0", "pond-1"]);
        says(&pond, "pond-0", Said::Goose { term: 5 }, NOW);
        assert!(pond.look(|known| known.goose_after(5)).is_none());
        says(&pond, "pond-0", Said::Duck, 2 * NOW);
        says(&pond, "pond-1", Said::Goose { term: 9 }, 4 * NOW);
        says(&pond, "pond-1", Said::Goose { term: 9 }, 5 * NOW);
        let turn = pond.look(|known| known.goose_after(5)).unwrap();
        assert_eq!(
            (&*turn.answer.pod, turn.answer.answered, turn.gap),
            ("pond-1", 4 * NOW, Some(3 * NOW))
        );
    }

    #[test]
    fn hears_a_duck_only_after_the_instant() {
        let pond = pond(&["pond-0"]);
        says(&pond, "pond-0", Said::Duck, NOW);
        says(&pond, "pond-0", Said::Goose { term: 5 }, 2 * NOW);
        assert!(pond.look(|known| known.duck_after("uid-of-pond-0", 2 * NOW)).is_none());
        says(&pond, "pond-0", Said::Duck, 3 * NOW);
        assert!(pond.look(|known| known.duck_after("uid-of-pond-0", 2 * NOW)).is_some());
    }

    #[test]
    fn a_wrong_is_kept() {
        let pond = pond(&["pond-0", "pond-1"]);
        says(&pond, "pond-0", Said::Goose { term: 5 }, NOW);
        says(&pond, "pond-1", Said::Goose { term: 9 }, 2 * NOW);
        assert!(pond.look(|known| known.wrongs().is_empty()));
        says(&pond, "pond-0", Said::Goose { term: 5 }, 3 * NOW);
        assert!(!pond.look(|known| known.wrongs().is_empty()));
    }
}
