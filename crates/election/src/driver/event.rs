//! What a driver tells of its work, for logs and metrics.

use std::time::Duration;

use crate::member::{Cause, Role};
use crate::record::Incarnation;

/// What happened. Who wants the role asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The role changed.
    Became(Role, Cause),
    /// Who leads changed, as far as this member knows.
    Leads {
        /// The one that leads; `None` when nobody is known to.
        goose: Option<Incarnation>,
        /// Its term, or the last one that is known.
        term: Option<u64>,
    },
    /// A write of the Lease was applied, this long after it left.
    Written(Duration),
    /// A write of the Lease was not applied, or nobody knows whether it was.
    WriteFailed(WriteFailure),
    /// Something does not work, in words; said once, not at each retry.
    Trouble(String),
    /// All of it works again.
    Mended,
}

/// What kept a write of the Lease from being known as applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteFailure {
    /// The Lease had changed: somebody else was quicker.
    Conflict,
    /// No answer in time.
    TimedOut,
    /// The API server refused it for another reason: no permission, admission, overload.
    Denied,
    /// No connection, or an answer that could not be read.
    Broken,
}

/// What can fail, each on its own.
#[derive(Clone, Copy)]
pub(super) enum Activity {
    Reading,
    Writing,
}

/// What does not work at the moment.
#[derive(Default)]
pub(super) struct Troubles {
    of: [Option<String>; 2],
}

impl Troubles {
    /// Remembers what does not work, or that it works. Returns what changed.
    pub(super) fn note(&mut self, activity: Activity, trouble: Option<String>) -> Option<Event> {
        let known = &mut self.of[activity as usize];
        if *known == trouble {
            return None;
        }
        known.clone_from(&trouble);
        match trouble {
            Some(trouble) => Some(Event::Trouble(trouble)),
            None => self.first().is_none().then_some(Event::Mended),
        }
    }

    /// One of them, in words; `None` when all works.
    pub(super) fn first(&self) -> Option<String> {
        self.of.iter().flatten().next().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_once_and_its_end_when_all_of_it_ended() {
        let mut troubles = Troubles::default();
        let [down, forbidden] = ["down", "forbidden"].map(|text| Some(text.to_owned()));
        let told = |text: &str| Some(Event::Trouble(text.to_owned()));
        assert_eq!(troubles.note(Activity::Reading, down.clone()), told("down"));
        assert_eq!(troubles.note(Activity::Reading, down), None);
        assert_eq!(troubles.note(Activity::Writing, forbidden), told("forbidden"));
        assert_eq!(troubles.note(Activity::Reading, None), None);
        assert_eq!(troubles.first().as_deref(), Some("forbidden"));
        assert_eq!(troubles.note(Activity::Writing, None), Some(Event::Mended));
        assert_eq!(troubles.first(), None);
    }
}
