//! What a member would write next, and when: rules 4 to 8 as one decision.

use std::time::Duration;

use crate::clock::{Instant, Reading};
use crate::lease::{Lease, Orders};
use crate::member::io::{Cause, Output, Write};
use crate::member::tenure::{Sent, Tenure};
use crate::member::{InFlight, Member};
use crate::mutation::Mutation;
use crate::record::{Incarnation, Record};
use crate::timing::{HEAD_START, stagger};

/// The next write, if nothing happens before it is due.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The Goose says that it lives.
    Renew { due: Instant },
    /// One that stopped says that the record is free, once what it promised
    /// has passed.
    Release { due: Option<Instant> },
    /// A Duck takes the record.
    Take { due: Option<Instant>, cause: Cause },
}

impl Step {
    /// Why the member is Goose if this write is applied; `None` for a release.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Step::Renew { .. } => Some(Cause::AppliedLate),
            Step::Take { cause, .. } => Some(*cause),
            Step::Release { .. } => None,
        }
    }
}

impl Member {
    /// Considers everything but the time. `None` while only another input can
    /// bring a write about.
    pub(super) fn next_step(&self) -> Option<Step> {
        let lease = self.lease.as_ref()?;
        let record = self.readable(lease)?;
        if self.in_flight.is_some() || self.outdated == Some(lease.version) {
            return None;
        }
        match &self.tenure {
            Some(tenure) if tenure.stopped.is_some() => self.release(tenure, record),
            Some(tenure) => Some(Step::Renew { due: self.renewal_due(tenure, record) }),
            None => self.take(lease, record),
        }
    }

    /// For how long the step has to wait yet. One who must not be late believes
    /// the faster clock, one who must not be early the slower (rule 3).
    pub(super) fn wait_for(&self, step: &Step, now: &Reading) -> Duration {
        let due = match step {
            Step::Renew { due } => due.until_either(now),
            Step::Take { due: Some(due), .. } if self.broken.is(Mutation::DuckTrustsFaster) => {
                due.until_either(now)
            }
            Step::Release { due } | Step::Take { due, .. } => {
                due.map_or(Duration::ZERO, |due| due.until_both(now))
            }
        };
        due.max(self.pause.left(now))
    }

    /// The write that the step is, on the newest version known (rule 5).
    pub(super) fn compose(&self, step: &Step, now: &Reading) -> Option<Write> {
        let lease = self.lease.as_ref()?;
        let attempt = self.attempt + 1;
        let record = match step {
            Step::Renew { .. } => {
                let tenure = self.tenure.as_ref()?;
                let lease = tenure.lease_to_ask_for(now, self.timing.lease());
                self.held(tenure.term, attempt, lease, tenure.hold_to_tell())
            }
            // Rule 7: the term is the resourceVersion of what is taken.
            Step::Take { .. } => {
                let taken = self.readable(lease)?;
                let broken = self.broken.is(Mutation::TermIsPlusOne);
                let term = if broken { taken.term + 1 } else { lease.version };
                self.held(term, attempt, self.timing.lease(), Duration::ZERO)
            }
            Step::Release { .. } => {
                let known = self.readable(lease)?.clone();
                Record { holder: None, attempt, released: true, ..known }
            }
        };
        Some(Write {
            uid: lease.uid.clone(),
            version: if self.broken.is(Mutation::NoPrecondition) { ANY } else { lease.version },
            record,
            timeout: self.timing.attempt(),
        })
    }

    pub(super) fn note_ability(&mut self, now: &Reading) {
        let able = self.tenure.is_none() && self.lease.as_ref().is_some_and(|l| self.may_take(l));
        self.able_since = able.then(|| self.able_since.unwrap_or(now.instant()));
    }

    pub(super) fn write_if_due(&mut self, now: &Reading, out: &mut Vec<Output>) {
        let Some(step) = self.next_step() else { return };
        if !self.wait_for(&step, now).is_zero() {
            return;
        }
        let Some(write) = self.compose(&step, now) else { return };
        self.attempt = write.record.attempt;
        self.in_flight = Some(InFlight { attempt: write.record.attempt, on: write.version });
        if let Some(cause) = step.cause() {
            self.note_sent(Sent { at: *now, record: write.record.clone(), cause });
        }
        out.push(Output::Write(write));
    }

    /// Remembers an attempt before it leaves. Sending a shorter lease than any
    /// attempt before voids those, and shortens the deadline (rule 9).
    fn note_sent(&mut self, sent: Sent) {
        let duration = sent.record.duration;
        if !self.broken.is(Mutation::ShorterVoidsNothing) {
            self.sent.retain(|earlier| earlier.record.duration <= duration);
            if let Some(tenure) = &mut self.tenure {
                tenure.shorten(&sent);
            }
        }
        if self.sent.len() == MOST_UNKNOWN {
            self.sent.remove(0);
        }
        self.sent.push(sent);
    }

    fn renewal_due(&self, tenure: &Tenure, record: &Record) -> Instant {
        if tenure.renewal_is_urgent(record) {
            tenure.renewal_due(Duration::ZERO)
        } else {
            tenure.renewal_due(self.timing.renewal())
        }
    }

    /// Rule 8: only what still names this incarnation can be said to be free.
    fn release(&self, tenure: &Tenure, record: &Record) -> Option<Step> {
        let names_me = record.holder.as_ref() == Some(&self.me) && record.term == tenure.term;
        names_me.then(|| Step::Release { due: tenure.promised() })
    }

    fn take(&self, lease: &Lease, record: &Record) -> Option<Step> {
        if !self.may_take(lease) {
            return None;
        }
        // Rule 5: exactly its own last version, so nobody was between.
        let own =
            self.own.as_ref().is_some_and(|(uid, v)| (uid, *v) == (&lease.uid, lease.version));
        let named = record.holder.as_ref().is_some_and(|h| h.pod_uid() == self.me.pod_uid());
        if own || named && self.broken.is(Mutation::ResumeByName) {
            return Some(Step::Take { due: None, cause: Cause::TookOwn });
        }
        let (free, cause) = match self.following.free_since(self.broken) {
            // Who gave the role up on purpose is not the next to have it.
            Some(since) if self.gave_up != Some(record.term) => (since, Cause::TookFree),
            _ => (self.following.waited_out_at(self.broken)?, Cause::TookOver),
        };
        let possible = self.able_since.map_or(free, |able| free.later(able));
        let released = cause == Cause::TookFree;
        let stagger = stagger(self.rank(lease, record), self.jitter, released);
        let due = possible.plus(self.head_start_of_another(lease, record) + stagger);
        Some(Step::Take { due: Some(due), cause })
    }

    /// Whether it is this member's to take the record at all, once it is free.
    pub(super) fn may_take(&self, lease: &Lease) -> bool {
        let paused = lease.orders.paused && !self.broken.is(Mutation::PauseIgnored);
        !self.shutting_down && !paused && !self.is_fenced(&lease.orders)
    }

    /// Whether this pod is to stay a Duck.
    pub(super) fn is_fenced(&self, orders: &Orders) -> bool {
        let named = orders.fenced.iter().any(|uid| uid == self.me.pod_uid());
        named && !self.broken.is(Mutation::FenceIgnored)
    }

    /// What the pod that a hand-over was ordered to has before this member, once the role is given up.
    fn head_start_of_another(&self, lease: &Lease, record: &Record) -> Duration {
        let is_another = ordered(lease, record).is_some_and(|uid| uid != self.me.pod_uid());
        if is_another && record.released { HEAD_START } else { Duration::ZERO }
    }

    /// This member's place in the line that was agreed beforehand. The pod that
    /// a hand-over was ordered to goes before all others. Whoever led last is
    /// not in it, dead or not: the operator's list may be from before that.
    fn rank(&self, lease: &Lease, record: &Record) -> Option<usize> {
        let ordered = ordered(lease, record);
        let agreed = lease.orders.successors.iter().map(String::as_str);
        let last = self.following.last_holder();
        let mut line = ordered
            .into_iter()
            .chain(agreed.filter(|uid| Some(*uid) != ordered))
            .filter(|uid| Some(*uid) != last.map(Incarnation::pod_uid));
        line.position(|uid| uid == self.me.pod_uid())
    }

    fn held(&self, term: u64, attempt: u64, duration: Duration, hold: Duration) -> Record {
        Record { holder: Some(self.me.clone()), term, attempt, duration, hold, released: false }
    }
}

/// The uid of the pod that the role of this term was ordered to.
fn ordered<'a>(lease: &'a Lease, record: &Record) -> Option<&'a str> {
    let order = lease.orders.handover.as_ref().filter(|order| order.term == record.term);
    order.map(|order| order.to.as_str())
}

/// No version: what a write without a precondition asks for. Only a broken
/// rule 5 asks so.
const ANY: u64 = 0;

/// More attempts of unknown outcome than can matter within one lease.
const MOST_UNKNOWN: usize = 32;
