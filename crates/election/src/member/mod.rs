//! A member of the election, as a pure state machine.
//!
//! It reads no clock, does no I/O and holds no lock: time and what was seen are
//! arguments of [`Member::handle`], what it wants is its result. The sidecar,
//! the operator, the model checker and the simulator run this same code.

#[cfg(feature = "mutations")]
mod canonical;
mod following;
mod io;
mod leading;
mod mutated;
mod pause;
mod plan;
mod seeing;
mod silence;
mod tenure;
mod view;

use std::time::Duration;

use crate::clock::{Instant, Reading};
use crate::lease::{Lease, Version};
use crate::mutation::{Broken, Mutation};
use crate::record::Incarnation;
use crate::timing::{Timing, whole_millis};
use following::Following;
use pause::Pause;
use silence::Silence;
use tenure::{Sent, Tenure};

pub use io::{Cause, Input, Outcome, Output, Role, Write};
pub use view::{Reason, View};

/// What a member must be told before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who it is. A new process must have a new nonce.
    pub me: Incarnation,
    /// The lease to use on an object that tells none (rule 9).
    pub timing: Timing,
    /// Thousandths, 0 to 999, chosen at random by the driver: spreads the
    /// members that would otherwise all act at one time.
    pub jitter: u16,
}

/// One incarnation of one member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    me: Incarnation,
    jitter: u16,
    timing: Timing,
    /// The newest version that is known, and whether one was ever read.
    lease: Option<Lease>,
    has_read: bool,
    /// The object that was seen stamped. Once seen so, it stays so (rule 6).
    stamped_uid: Option<String>,
    following: Following,
    tenure: Option<Tenure>,
    /// Number of the last attempt to write.
    attempt: u64,
    /// The attempt whose outcome is awaited: one at a time.
    in_flight: Option<InFlight>,
    /// Attempts of which no evidence was seen yet. Emptied by stopping: that
    /// voids every attempt still on its way (rule 1).
    sent: Vec<Sent>,
    /// The last version that this incarnation wrote and holds.
    own: Option<(String, Version)>,
    /// The version on which a write was refused: there is a newer one.
    outdated: Option<Version>,
    pause: Pause,
    /// Since when nothing but time keeps it from taking. After a pause, a fence
    /// or an outage, the stagger counts from there.
    able_since: Option<Instant>,
    silence: Silence,
    /// The term that it gave up on purpose: free for all but itself.
    gave_up: Option<u64>,
    shutting_down: bool,
    /// Why the last tenure ended, for people.
    last_end: Option<Cause>,
    broken: Broken,
}

/// A write that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct InFlight {
    attempt: u64,
    /// The version that it replaces.
    on: Version,
}

impl Member {
    /// A member that has seen nothing yet.
    pub fn new(config: Config) -> Member {
        Member {
            me: config.me,
            jitter: config.jitter,
            silence: Silence::new(config.timing.silence(), config.jitter),
            timing: config.timing,
            lease: None,
            has_read: false,
            stamped_uid: None,
            following: Following::default(),
            tenure: None,
            attempt: 0,
            in_flight: None,
            sent: Vec::new(),
            own: None,
            outdated: None,
            pause: Pause::default(),
            able_since: None,
            gave_up: None,
            shutting_down: false,
            last_end: None,
            broken: Broken::default(),
        }
    }

    /// A member one of whose rules is broken, for the proof.
    #[cfg(feature = "mutations")]
    pub fn mutated(config: Config, mutation: Option<Mutation>) -> Member {
        Member { broken: Broken::by(mutation), ..Member::new(config) }
    }

    /// Who this member is.
    pub fn me(&self) -> &Incarnation {
        &self.me
    }

    /// Its [`jitter`](Config::jitter), in thousandths.
    pub fn jitter(&self) -> u16 {
        self.jitter
    }

    /// The timing that it goes by: the object's own, once one was seen stamped
    /// (rule 9).
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Rule 2: what this member is at this moment. The only way to ask; the
    /// answer is true for no moment but `now`.
    pub fn role_at(&self, now: &Reading) -> Role {
        match &self.tenure {
            Some(tenure) if tenure.is_goose(now) => Role::Goose { term: tenure.term },
            Some(tenure) if tenure.stopped.is_none() && self.broken.is(Mutation::RoleByFlag) => {
                Role::Goose { term: tenure.term }
            }
            _ => Role::Duck,
        }
    }

    /// Takes one input in, and tells what it wants done, in this order.
    ///
    /// `now` is read after the input was there, and a write leaves after it: a Duck's wait counts from
    /// when something was seen (rule 4), a Goose's time from when it was sent (rule 1).
    pub fn handle(&mut self, now: Reading, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.lapse(&now, &mut out);
        match input {
            Input::Read(lease) => self.read(&now, lease, &mut out),
            Input::Watched(lease) => self.watched(&now, lease, &mut out),
            Input::Deleted => self.deleted(&now),
            Input::Written { attempt, outcome } => self.written(&now, attempt, outcome, &mut out),
            Input::Tick => {}
            Input::HandOver => self.stop(Cause::HandOverAsked, &mut out),
            Input::ShutDown => {
                self.shutting_down = true;
                self.stop(Cause::ShutDown, &mut out);
            }
        }
        self.obey_orders(&mut out);
        self.suspect_silence(&now, &mut out);
        self.note_ability(&now);
        self.write_if_due(&now, &mut out);
        out
    }

    /// Rule 11: promises to stay Goose for `hold`, counted from now (its asker
    /// counts from when the question was sent, which is earlier). Whether it does. A hold that
    /// is not granted only because none so long was ever asked for is possible
    /// after the next renewal, which the next [`handle`](Member::handle) sends.
    pub fn promise(&mut self, now: &Reading, hold: Duration) -> bool {
        let longest = self.timing.longest_hold();
        let Some(tenure) = &mut self.tenure else { return false };
        tenure.wanted_hold = tenure.wanted_hold.max(whole_millis(hold).min(longest));
        tenure.promise(now, hold)
    }

    /// After how long [`Input::Tick`] is due; `None` while only another input
    /// can change anything.
    pub fn wake(&self, now: &Reading) -> Option<Duration> {
        let lapse = self.tenure.as_ref().map(|tenure| tenure.deadline().until_either(now));
        let write = self.next_step().map(|step| self.wait_for(&step, now));
        [lapse, self.silence.wake(now), write].into_iter().flatten().min()
    }

    /// Whether a member that was told to shut down has nothing left to say.
    pub fn is_done(&self) -> bool {
        self.shutting_down && self.tenure.is_none() && self.in_flight.is_none()
    }
}
