//! The last changes of this member's role and of who leads: for `/history`, for
//! streams that take up where they ended, and for whoever waits for a change.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use api::names::{DUCK, GOOSE};
use election::driver::Event;
use election::member::Role;
use jiff::{Timestamp, Unit};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::log::in_words;

/// The last changes, at most [`KEPT`] of them.
pub struct Changes {
    /// Tells this process's numbers from those of the one before.
    run: String,
    state: Mutex<State>,
    newest: watch::Sender<u64>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What a stream's client gives back as `Last-Event-ID`.
    pub id: String,
    /// When it was noticed, on this machine's wall clock, as RFC 3339 has it.
    pub at: String,
    /// What this pod is since then, `goose` or `duck`.
    pub role: &'static str,
    /// Name of the pod that leads since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goose: Option<String>,
    /// Its term, or the last one known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// Why this pod's role changed; absent when only the others' did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
}

struct State {
    /// The number of the newest change; they count from 1.
    newest: u64,
    kept: VecDeque<Change>,
    role: &'static str,
    goose: Option<String>,
    term: Option<u64>,
}

impl Changes {
    /// None yet: a Duck that knows of nobody.
    pub fn new() -> Changes {
        let state = State { newest: 0, kept: VecDeque::new(), role: DUCK, goose: None, term: None };
        Changes {
            run: format!("{:x}", Timestamp::now().as_millisecond()),
            state: Mutex::new(state),
            newest: watch::Sender::new(0),
        }
    }

    /// Notes what happens to the member of this pod, until the election ends.
    pub async fn follow(self: Arc<Self>, pod: String, mut events: Receiver<Event>) {
        loop {
            match events.recv().await {
                Ok(event) => self.note(&pod, event),
                // Only the history has a gap: whoever waits looks at the role itself.
                Err(RecvError::Lagged(_)) => self.newest.send_modify(|_| {}),
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Notes one event of the member of this pod.
    pub fn note(&self, pod: &str, event: Event) {
        let mut state = self.lock();
        let known = (state.role, state.goose.clone(), state.term);
        let cause = match event {
            Event::Became(Role::Goose { term }, cause) => {
                (state.role, state.goose, state.term) = (GOOSE, Some(pod.to_owned()), Some(term));
                Some(in_words(cause))
            }
            Event::Became(Role::Duck, cause) => {
                (state.role, state.goose) = (DUCK, None);
                Some(in_words(cause))
            }
            Event::Leads { goose, term } => {
                state.goose = goose.map(|goose| goose.pod().to_owned());
                state.term = term;
                None
            }
            _ => return,
        };
        if known == (state.role, state.goose.clone(), state.term) {
            return;
        }
        self.keep(&mut state, cause);
        self.newest.send_replace(state.newest);
    }

    /// All that are kept, the oldest first.
    pub fn kept(&self) -> Vec<Change> {
        self.lock().kept.iter().cloned().collect()
    }

    /// Those after the one with this number, the oldest first, and whether any
    /// between them are lost.
    pub fn after(&self, number: u64) -> (Vec<Change>, bool) {
        let state = self.lock();
        let missed = state.newest.saturating_sub(number);
        let lost = missed.saturating_sub(state.kept.len() as u64);
        let known = state.kept.len() - (missed - lost) as usize;
        (state.kept.iter().skip(known).cloned().collect(), lost > 0)
    }

    /// The id of the change with this number.
    pub fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.run)
    }

    /// The number of the change with this id; `None` when this process gave none such.
    pub fn number(&self, id: &str) -> Option<u64> {
        let (run, number) = id.rsplit_once('-')?;
        let number = number.parse().ok()?;
        (run == self.run && number <= self.lock().newest).then_some(number)
    }

    /// The number of the newest change, and word of each one to come.
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn keep(&self, state: &mut State, cause: Option<&'static str>) {
        state.newest += 1;
        if state.kept.len() == KEPT {
            state.kept.pop_front();
        }
        let change = Change {
            id: self.id(state.newest),
            at: now(),
            role: state.role,
            goose: state.goose.clone(),
            term: state.term,
            cause,
        };
        state.kept.push_back(change);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it notes a change")
    }
}

fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now).to_string()
}

/// Days of a cluster in good health, and some 10 KB.
pub const KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use election::member::Cause;
    use election::record::Incarnation;

    fn leads(pod: &str, term: u64) -> Event {
        let goose = Some(Incarnation::new(pod, "uid", "a").unwrap());
        Event::Leads { goose, term: Some(term) }
    }

    fn terms(changes: &[Change]) -> Vec<u64> {
        changes.iter().filter_map(|change| change.term).collect()
    }

    #[test]
    fn a_change_is_noted_once_with_its_cause() {
        let changes = Changes::new();
        changes.note("pond-0", leads("pond-1", 7));
        changes.note("pond-0", Event::Became(Role::Goose { term: 9 }, Cause::TookFree));
        changes.note("pond-0", leads("pond-0", 9));
        changes.note("pond-0", Event::Became(Role::Duck, Cause::HandOverAsked));
        changes.note("pond-0", Event::Mended);
        let kept = changes.kept();
        let told: Vec<_> =
            kept.iter().map(|it| (it.role, it.goose.as_deref(), it.term, it.cause)).collect();
        assert_eq!(
            told,
            [
                (DUCK, Some("pond-1"), Some(7), None),
                (GOOSE, Some("pond-0"), Some(9), Some("took a Lease that was released")),
                (DUCK, None, Some(9), Some("the workload gave the role up")),
            ]
        );
        assert_eq!(*changes.newest().borrow(), 3);
    }

    #[test]
    fn who_was_away_gets_what_it_missed_and_is_told_of_a_gap() {
        let changes = Changes::new();
        for term in 1..=3 {
            changes.note("pond-0", leads("pond-1", term));
        }
        let second = changes.kept()[1].id.clone();
        let (missed, lost) = changes.after(changes.number(&second).unwrap());
        assert_eq!((terms(&missed), lost), (vec![3], false));
        assert_eq!(changes.after(3), (Vec::new(), false));

        for term in 4..=70 {
            changes.note("pond-0", leads("pond-1", term));
        }
        let (missed, lost) = changes.after(3);
        assert_eq!((terms(&missed), lost), ((7..=70).collect(), true));
        assert!(!changes.after(6).1);
        assert_eq!(changes.kept().len(), KEPT);
    }

    #[test]
    fn an_id_of_another_process_or_of_the_future_is_none() {
        let changes = Changes::new();
        changes.note("pond-0", leads("pond-1", 1));
        assert_eq!(changes.number(&changes.id(1)), Some(1));
        for odd in ["", "1", "abc-1", &changes.id(2), &format!("{}-x", changes.run)] {
            assert_eq!(changes.number(odd), None, "{odd}");
        }
    }
}
