//! What the driver knows, under its one lock: the machine, and the object that
//! goes with the version that the machine knows.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as Object;

use crate::clock::Reading;
use crate::driver::event::{Event, Troubles};
use crate::driver::object;
use crate::member::{Input, Member, Outcome, Output, Write};
use crate::record::Incarnation;

pub(super) struct State {
    pub(super) member: Member,
    /// The object of the newest version that the member knows; once there was
    /// one, there is one, also after the Lease was deleted.
    newest: Option<Arc<Object>>,
    /// How many own writes are known to be applied.
    pub(super) applied: u64,
    pub(super) troubles: Troubles,
    /// When the loop last turned.
    turned: Reading,
    /// Who led when it was last told.
    led: (Option<Incarnation>, Option<u64>),
}

/// What the loop is to do.
pub(super) enum Job {
    Write(Write, Arc<Object>),
    Resync,
}

impl State {
    pub(super) fn new(member: Member, now: Reading) -> State {
        State {
            member,
            newest: None,
            applied: 0,
            troubles: Troubles::default(),
            turned: now,
            led: (None, None),
        }
    }

    /// Tells the machine what was seen, and the object that it was seen in.
    /// Returns what it wants, and what is to be told.
    pub(super) fn tell(
        &mut self,
        now: Reading,
        input: Input,
        object: Option<Arc<Object>>,
    ) -> (Vec<Job>, Vec<Event>) {
        self.keep(&input, object);
        let (mut jobs, mut events) = (Vec::new(), Vec::new());
        for output in self.member.handle(now, input) {
            match (output, &self.newest) {
                (Output::Write(write), Some(base)) => jobs.push(Job::Write(write, base.clone())),
                (Output::Write(_), None) => unreachable!("only what was seen is written to"),
                (Output::Resync, _) => jobs.push(Job::Resync),
                (Output::Became(role, cause), _) => events.push(Event::Became(role, cause)),
            }
        }
        let view = self.member.view(&now);
        let leads = (view.goose, view.term);
        if self.led != leads {
            self.led.clone_from(&leads);
            events.push(Event::Leads { goose: leads.0, term: leads.1 });
        }
        (jobs, events)
    }

    /// Notes that the loop turns, and tells for how long it may sleep.
    pub(super) fn turn(&mut self, now: Reading) -> Duration {
        self.turned = now;
        self.member.wake(&now).unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }

    /// Whether the loop turned not long ago.
    pub(super) fn is_alive(&self, now: &Reading) -> bool {
        now.since(self.turned.instant()) < 4 * LONGEST_SLEEP
    }

    /// Whether there was ever a Lease.
    pub(super) fn has_read(&self) -> bool {
        self.newest.is_some()
    }

    /// Keeps the object by the member's own rule: what was read afresh is the
    /// truth, all else may have been overtaken by the answer to an own write.
    fn keep(&mut self, input: &Input, object: Option<Arc<Object>>) {
        if let Input::Written { outcome: Outcome::Applied(_), .. } = input {
            self.applied += 1;
        }
        let version = |object: &Arc<Object>| object::lease(object).map(|lease| lease.version);
        let known = self.newest.as_ref().and_then(version);
        let found = object.as_ref().and_then(version);
        if found.is_some() && (found > known || matches!(input, Input::Read(_))) {
            self.newest = object;
        }
    }
}

/// The loop turns at least this often, so that one that does not is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
