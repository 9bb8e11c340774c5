//! What a member sees: versions of the Lease, and what became of its writes.

use crate::clock::Reading;
use crate::lease::Lease;
use crate::member::{Cause, Member, Outcome, Output};
use crate::mutation::Mutation;
use crate::record::Record;

impl Member {
    /// What a fresh read found. With another version than the last one known,
    /// there is a gap (rule 4).
    pub(super) fn read(&mut self, now: &Reading, lease: Option<Lease>, out: &mut Vec<Output>) {
        self.has_read = true;
        self.outdated = None;
        let known = self.lease.as_ref().map(|known| (&known.uid, known.version));
        let found = lease.as_ref().map(|found| (&found.uid, found.version));
        if found.is_none() || found != known {
            if !self.broken.is(Mutation::GapKeepsWait) {
                self.following.lose();
            }
            self.able_since = None;
            self.silence.broken(now, self.timing.silence());
        } else {
            self.silence.confirmed(now);
        }
        match lease {
            Some(lease) => {
                self.learn(now, lease, out);
                self.extend_by_read(now);
            }
            None => self.lease = None,
        }
    }

    /// The next version on the watch, unless the answer to an own write told it
    /// before: own writes replace the last version known, so nothing is missed.
    pub(super) fn watched(&mut self, now: &Reading, lease: Lease, out: &mut Vec<Output>) {
        self.silence.broken(now, self.timing.silence());
        if self.lease.as_ref().is_none_or(|known| lease.version > known.version) {
            self.learn(now, lease, out);
        } else {
            self.credit(now, &lease, out);
            self.look_for_newer(now);
        }
    }

    pub(super) fn deleted(&mut self, now: &Reading) {
        self.silence.broken(now, self.timing.silence());
        self.following.lose();
        self.lease = None;
    }

    pub(super) fn written(
        &mut self,
        now: &Reading,
        attempt: u64,
        outcome: Outcome,
        out: &mut Vec<Output>,
    ) {
        let awaited = self.in_flight.take_if(|sent| sent.attempt == attempt);
        match outcome {
            Outcome::Applied(lease) => {
                let written = lease.clone();
                if self.lease.as_ref().is_some_and(|known| lease.version > known.version) {
                    self.learn(now, lease, out);
                } else {
                    self.credit(now, &lease, out);
                }
                self.note_own(&written);
            }
            Outcome::Refused if let Some(sent) = awaited => {
                if self.broken.is(Mutation::RefusedIsLoss) {
                    self.end(Cause::Superseded, out);
                }
                self.outdated = Some(sent.on);
                self.look_for_newer(now);
            }
            Outcome::Unknown { retry_after } if awaited.is_some() => {
                self.believe_unanswered(now, attempt);
                if self.broken.is(Mutation::UnknownIsLoss) {
                    self.end(Cause::Superseded, out);
                }
                if self.tenure.is_some() {
                    self.pause.after_renewal(now, retry_after, &self.timing);
                } else {
                    self.pause.after_taking(now, retry_after, &self.timing, self.jitter);
                }
                self.able_since = None;
            }
            Outcome::Refused | Outcome::Unknown { .. } => {}
        }
    }

    /// Rule 5: only the answer tells which version an own write made. What is
    /// read or watched may be an old copy of it, put there after somebody else
    /// took the record.
    fn note_own(&mut self, written: &Lease) {
        let given_up = |record: &Record| self.gave_up == Some(record.term);
        let newest = self.own.as_ref().is_none_or(|(_, version)| *version < written.version);
        if newest && written.record.as_ref().is_ok_and(|record| !given_up(record)) {
            self.own = Some((written.uid.clone(), written.version));
        }
    }

    /// Takes a newer version in, every version before it being known.
    fn learn(&mut self, now: &Reading, lease: Lease, out: &mut Vec<Output>) {
        if self.broken.is(Mutation::StampForgotten) {
            self.stamped_uid = None;
        }
        let believed = lease.stamped || self.broken.is(Mutation::UnstampedBelieved);
        if believed && (!self.is_stamped(&lease) || self.broken.is(Mutation::DurationOfOrders)) {
            self.meet(&lease);
        }
        self.pause.answered();
        self.credit(now, &lease, out);
        match self.readable(&lease) {
            Some(record) => {
                self.following.follow(now, &lease, record, self.timing.lease(), self.broken)
            }
            None if self.broken.is(Mutation::UnreadableKeepsWait) => {}
            None => self.following.lose(),
        }
        self.lease = Some(lease);
        self.yield_to_others(out);
    }

    /// Rules 6 and 9: an object that is seen stamped stays so, and has one lease
    /// duration for life. An old copy that is put in its place has the same
    /// one, so nobody waits on a copy for less than its holder counts on.
    fn meet(&mut self, lease: &Lease) {
        self.stamped_uid = Some(lease.uid.clone());
        if let Some(timing) = lease.orders.timing {
            self.timing = timing;
        }
    }

    /// A write on this version was refused: if no newer one has come since, the
    /// watch is waited for only a little.
    fn look_for_newer(&mut self, now: &Reading) {
        let known = self.lease.as_ref().map(|lease| lease.version);
        if known.is_some() && self.outdated == known {
            self.silence.look_soon(now, self.timing.pause());
        }
    }

    /// A watch may be silent because it is broken.
    pub(super) fn suspect_silence(&mut self, now: &Reading, out: &mut Vec<Output>) {
        let held = self.known_record().is_some_and(|record| record.holder.is_some());
        if self.silence.is_suspicious(now, self.timing.silence(), held) {
            out.push(Output::Resync);
        }
    }

    /// Rule 6: the record of an object that was seen stamped, if it can be
    /// read. Whatever else stands under the name is not touched.
    pub(super) fn readable<'a>(&self, lease: &'a Lease) -> Option<&'a Record> {
        if self.is_stamped(lease) { lease.record.as_ref().ok() } else { None }
    }

    pub(super) fn known_record(&self) -> Option<&Record> {
        self.lease.as_ref().and_then(|lease| self.readable(lease))
    }

    pub(super) fn is_stamped(&self, lease: &Lease) -> bool {
        self.stamped_uid.as_ref() == Some(&lease.uid)
    }
}
