//! What is worth reaching.

use duckduckgoose_election::member::Cause;

use super::Pond;

/// Something worth reaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    HandOver,
    TakeOver,
    TookOwn,
    AppliedLate,
    /// A Goose renewed the quarantine of a new object.
    WentOn,
    ConfirmedDeath,
    ClockSuspected,
    PromiseGiven,
    /// A Goose obeyed an order of the operator.
    HandOverOrdered,
    Fenced,
    /// Somebody could not read what a member of the next version wrote.
    NextFormat,
}

impl Pond {
    pub fn note(&self, reached: Reached) {
        self.seen.lock().expect("nobody panicked").insert(reached);
    }

    pub fn note_cause(&self, cause: Cause) {
        match cause {
            Cause::TookFree => self.note(Reached::HandOver),
            Cause::TookOver => self.note(Reached::TakeOver),
            Cause::TookOwn => self.note(Reached::TookOwn),
            Cause::AppliedLate => self.note(Reached::AppliedLate),
            Cause::ClockSuspected => self.note(Reached::ClockSuspected),
            Cause::HandOverOrdered => self.note(Reached::HandOverOrdered),
            Cause::Fenced => self.note(Reached::Fenced),
            _ => {}
        }
    }
}
