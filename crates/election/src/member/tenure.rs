//! Rules 1, 3, 9 and 11: for how long one incarnation is Goose in one term.

use std::time::Duration;

use crate::clock::{Instant, Reading};
use crate::member::io::Cause;
use crate::mutation::{Broken, Mutation};
use crate::record::Record;
use crate::timing::{allowance, guard, stretched};

/// One incarnation's leadership in one term.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tenure {
    pub term: u64,
    /// The instant after which it must not call itself Goose.
    deadline: Instant,
    /// When the attempt was sent that last extended the deadline.
    credited: Reading,
    /// The number of that attempt.
    pub(super) credited_attempt: u64,
    /// Whether the taking is known to have been renewed.
    renewed: bool,
    /// The lease duration that this attempt wrote.
    lease: Duration,
    /// The longest hold that an applied record of this term allows.
    applied_hold: Duration,
    /// The longest hold that was asked for.
    pub wanted_hold: Duration,
    /// Until when promises were given, on the cautious clock.
    promised: Option<Instant>,
    /// Set when the role is given up on purpose: Duck from then on.
    pub stopped: Option<Cause>,
    broken: Broken,
}

/// A write that left, and of which it is not known yet whether it was applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sent {
    pub at: Reading,
    pub record: Record,
    pub cause: Cause,
}

impl Tenure {
    /// The tenure that a taking gives when it turns out to be applied.
    pub fn begin(sent: &Sent, broken: Broken) -> Tenure {
        Tenure {
            term: sent.record.term,
            deadline: sent.deadline(broken),
            credited: sent.at,
            credited_attempt: sent.record.attempt,
            renewed: false,
            lease: sent.record.duration,
            applied_hold: sent.record.hold,
            wanted_hold: sent.record.hold,
            promised: None,
            stopped: None,
            broken,
        }
    }

    /// Rule 1: an applied write makes its holder Goose for an allowance
    /// counted from when it was *sent*.
    pub fn credit(&mut self, sent: &Sent) {
        let deadline = sent.deadline(self.broken);
        if sent.record.attempt > self.credited_attempt && deadline.is_at_least(self.deadline) {
            self.deadline = deadline;
            self.credited = sent.at;
            self.credited_attempt = sent.record.attempt;
            self.lease = sent.record.duration;
        }
        self.renewed = true;
        self.applied_hold = self.applied_hold.max(sent.record.hold);
    }

    /// What only a broken rule 1 does: a deadline that counts from now.
    pub fn extend(&mut self, now: &Reading) {
        self.deadline = now.after(allowance(self.lease));
    }

    /// Rule 9: sending a shorter lease shortens the deadline at once, whether
    /// or not it will be applied.
    pub fn shorten(&mut self, sent: &Sent) {
        self.deadline = self.deadline.earlier(sent.deadline(self.broken));
    }

    /// The lease duration for the next renewal: the one that is wanted, unless
    /// it is shorter and what was promised does not fit into it (rules 9, 11).
    pub fn lease_to_ask_for(&self, now: &Reading, wanted: Duration) -> Duration {
        let until = now.after(allowance(wanted));
        match self.promised {
            Some(promised)
                if !until.is_at_least(promised)
                    && !self.broken.is(Mutation::ShorterBreaksPromise) =>
            {
                wanted.max(self.lease)
            }
            _ => wanted,
        }
    }

    /// Rules 1 to 3: whether it may call itself Goose at this moment.
    pub fn is_goose(&self, now: &Reading) -> bool {
        let stopped = self.stopped.is_some() && !self.broken.is(Mutation::ReleaseBeforeStop);
        !stopped && self.lapsed(now).is_none()
    }

    /// Why it is over, if it is: its time ran out, or the clocks cannot be
    /// believed.
    pub fn lapsed(&self, now: &Reading) -> Option<Cause> {
        let jump = now.wall_jump_since(&self.credited);
        if self.is_past_deadline(now) {
            Some(Cause::Deadline)
        } else if jump > guard(self.lease) && !self.broken.is(Mutation::WallJumpIgnored) {
            Some(Cause::ClockSuspected)
        } else {
            None
        }
    }

    /// When it lapses if nothing more is applied.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// When the next renewal is due.
    pub fn renewal_due(&self, renewal: Duration) -> Instant {
        self.credited.after(renewal)
    }

    /// Whether the Lease should be renewed before it is due: it was only just
    /// taken, and a death is confirmed only of one that was seen renewing (rule
    /// 10); somebody put a quarantine or an old copy there; or a longer hold was
    /// asked for.
    pub fn renewal_is_urgent(&self, record: &Record) -> bool {
        !self.renewed
            || record.is_quarantine()
            || record.attempt < self.credited_attempt
            || record.hold < self.hold_to_tell()
    }

    /// The hold that the record is to tell: the longest that was ever asked for
    /// (rule 11). It is never lowered within a term.
    pub fn hold_to_tell(&self) -> Duration {
        let told = self.wanted_hold <= self.applied_hold;
        if told && self.broken.is(Mutation::HoldLowered) {
            Duration::ZERO
        } else {
            self.wanted_hold
        }
    }

    /// Rule 11: promises to stay Goose for `hold`, if an applied record allows
    /// it and it fits before the deadline.
    pub fn promise(&mut self, now: &Reading, hold: Duration) -> bool {
        let stretched =
            if self.broken.is(Mutation::HoldUnstretched) { hold } else { stretched(hold) };
        let until = now.after(stretched);
        let told = hold <= self.applied_hold || self.broken.is(Mutation::HoldUntold);
        let fits = self.deadline.is_at_least(until) || self.broken.is(Mutation::HoldPastDeadline);
        let granted = self.is_goose(now) && told && fits;
        if granted {
            self.promised = Some(self.promised.map_or(until, |promised| promised.later(until)));
        }
        granted
    }

    /// Until when a release must wait for what was promised, to be reached on
    /// both clocks; `None` when nothing was.
    pub fn promised(&self) -> Option<Instant> {
        self.promised.filter(|_| !self.broken.is(Mutation::ReleaseBreaksPromise))
    }

    fn is_past_deadline(&self, now: &Reading) -> bool {
        let mut believed = *now;
        if self.broken.is(Mutation::GooseTrustsBoottime) {
            (believed.raw, believed.slept) = (Duration::ZERO, Duration::ZERO);
        }
        if self.broken.is(Mutation::GooseTrustsRaw) {
            (believed.boottime, believed.slept) = (Duration::ZERO, self.credited.slept);
        }
        if self.broken.is(Mutation::SleepUncounted) {
            believed.slept = self.credited.slept;
        }
        self.deadline.reached_on_either(&believed)
    }
}

impl Sent {
    fn deadline(&self, broken: Broken) -> Instant {
        if broken.is(Mutation::NoMargin) {
            return self.at.after(self.record.duration);
        }
        self.at.after(allowance(self.record.duration))
    }
}

#[cfg(feature = "mutations")]
impl crate::canonical::Canonical for Tenure {
    fn canonical(&mut self, renaming: &mut dyn crate::canonical::Renaming) {
        renaming.version(&mut self.term);
        renaming.instant(&mut self.deadline);
        renaming.reading(&mut self.credited);
        if let Some(promised) = &mut self.promised {
            renaming.instant(promised);
        }
        // A promise that is over is none.
        self.promised = self.promised.filter(|until| !until.reached_on_both(&renaming.now()));
    }
}

#[cfg(feature = "mutations")]
impl crate::canonical::Canonical for Sent {
    fn canonical(&mut self, renaming: &mut dyn crate::canonical::Renaming) {
        renaming.reading(&mut self.at);
        self.record.canonical(renaming);
    }
}
