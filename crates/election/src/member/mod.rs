//! A member of the election, as a pure state machine.
//!
//! It reads no clock, does no I/O and holds no lock: time and what was seen are
//! arguments of [`Member::handle`], what it wants is its result. The sidecar,
//! the operator, the model checker and the simulator run this same code.

mod following;
mod io;
mod plan;
mod tenure;
mod view;

use std::time::Duration;

use crate::clock::{Instant, Reading};
use crate::lease::{Lease, Version};
use crate::mutation::{Broken, Mutation};
use crate::record::{Incarnation, Record};
#[cfg(feature = "mutations")]
use crate::timing::stagger;
use crate::timing::{Timing, whole_millis};
use following::Following;
pub use io::{Cause, Input, Outcome, Output, Role, Write};

use tenure::{Sent, Tenure};
pub use view::{Reason, View};

/// What a member must be told before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who it is. A new process must have a new nonce.
    pub me: Incarnation,
    /// The lease to use on an object that tells none.
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
    in_flight: Option<u64>,
    /// Attempts of which no evidence was seen yet. Emptied by stopping: that
    /// voids every attempt still on its way (rule 1).
    sent: Vec<Sent>,
    /// The last version that this incarnation wrote and holds.
    own: Option<(String, Version)>,
    /// The version on which a write was refused: there is a newer one.
    outdated: Option<Version>,
    /// No write before this, after one failed.
    paused_until: Option<Instant>,
    /// Since when nothing but time keeps it from taking. After a pause, a fence
    /// or an outage, the stagger counts from there.
    able_since: Option<Instant>,
    /// When the watch was last heard, and when to look whether it still lives.
    heard: Option<Instant>,
    resync_at: Option<Instant>,
    patience: Duration,
    /// The term that it gave up on purpose: free for all but itself.
    gave_up: Option<u64>,
    shutting_down: bool,
    /// Why the last tenure ended, for people.
    last_end: Option<Cause>,
    broken: Broken,
}

impl Member {
    /// A member that has seen nothing yet.
    pub fn new(config: Config) -> Member {
        Member {
            me: config.me,
            jitter: config.jitter,
            patience: config.timing.silence(),
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
            paused_until: None,
            able_since: None,
            heard: None,
            resync_at: None,
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

    /// Takes one input in, and tells what it wants done.
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
    /// counts from when the question was sent, which is earlier). A hold that
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
        let resync = self.resync_at.map(|at| at.until_either(now));
        let write = self.next_step().map(|step| self.wait_for(&step, now));
        [lapse, resync, write].into_iter().flatten().min()
    }

    /// Whether a member that was told to shut down has nothing left to say.
    pub fn is_done(&self) -> bool {
        self.shutting_down && self.tenure.is_none() && self.in_flight.is_none()
    }

    /// Rules 1 and 3: a tenure that ran out, or whose clocks cannot be
    /// believed, is over. What it sent may yet turn out to be applied in time.
    fn lapse(&mut self, now: &Reading, out: &mut Vec<Output>) {
        if self.broken.is(Mutation::RenewPastDeadline) {
            return;
        }
        if let Some(cause) = self.tenure.as_ref().and_then(|tenure| tenure.lapsed(now)) {
            self.end(cause, out);
        }
    }

    /// What a fresh read found. With another version than the last one known,
    /// there is a gap (rule 4).
    fn read(&mut self, now: &Reading, lease: Option<Lease>, out: &mut Vec<Output>) {
        self.has_read = true;
        self.outdated = None;
        self.able_since = None;
        let known = self.lease.as_ref().map(|known| (&known.uid, known.version));
        let found = lease.as_ref().map(|found| (&found.uid, found.version));
        if found.is_none() || found != known {
            if !self.broken.is(Mutation::GapKeepsWait) {
                self.following.lose();
            }
            self.patience = self.timing.silence();
        }
        self.heard(now);
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
    fn watched(&mut self, now: &Reading, lease: Lease, out: &mut Vec<Output>) {
        self.patience = self.timing.silence();
        self.heard(now);
        if self.lease.as_ref().is_none_or(|known| lease.version > known.version) {
            self.learn(now, lease, out);
        } else {
            self.credit(now, &lease, out);
        }
    }

    fn deleted(&mut self, now: &Reading) {
        self.patience = self.timing.silence();
        self.heard(now);
        self.following.lose();
        self.lease = None;
    }

    fn written(&mut self, now: &Reading, attempt: u64, outcome: Outcome, out: &mut Vec<Output>) {
        let awaited = self.in_flight == Some(attempt);
        if awaited {
            self.in_flight = None;
        }
        match outcome {
            Outcome::Applied(lease) => {
                if self.lease.as_ref().is_some_and(|known| lease.version > known.version) {
                    self.learn(now, lease, out);
                } else {
                    self.credit(now, &lease, out);
                }
            }
            Outcome::Refused if awaited => {
                if self.broken.is(Mutation::RefusedIsLoss) {
                    self.end(Cause::Superseded, out);
                }
                self.look_for_newer(now);
            }
            Outcome::Unknown { retry_after } if awaited => {
                self.believe_unanswered(now, attempt);
                let pause = retry_after.clamp(self.timing.pause(), self.timing.attempt());
                self.paused_until = Some(now.after(pause));
                self.able_since = None;
            }
            Outcome::Refused | Outcome::Unknown { .. } => {}
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
        self.credit(now, &lease, out);
        match self.readable(&lease) {
            Some(record) => {
                self.following.follow(now, &lease, record, self.timing.lease(), self.broken)
            }
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

    /// Rule 1: evidence that an attempt was applied is credited to the attempt
    /// whose number it carries, and to no other.
    fn credit(&mut self, now: &Reading, lease: &Lease, out: &mut Vec<Output>) {
        let Ok(record) = &lease.record else { return };
        let Some(mut sent) = self.sent.iter().find(|sent| sent.record == *record).cloned() else {
            return;
        };
        if self.broken.is(Mutation::CountFromAnswer) {
            sent.at = *now;
        }
        if self.broken.is(Mutation::CreditNewestAttempt) {
            sent.at = self.sent.last().map_or(sent.at, |newest| newest.at);
        }
        self.sent.retain(|other| other.record.attempt > record.attempt);
        self.own = Some((lease.uid.clone(), lease.version));
        let was = self.role_at(now);
        match &mut self.tenure {
            Some(tenure) if tenure.term == record.term => tenure.credit(&sent),
            Some(tenure) if tenure.term > record.term => {}
            _ => self.begin(now, &sent),
        }
        let is = self.role_at(now);
        if is != was {
            out.push(Output::Became(is, sent.cause));
        }
    }

    /// A taking turned out to be applied. One that is shutting down is not Goose
    /// by it, but has something to release.
    fn begin(&mut self, now: &Reading, sent: &Sent) {
        let tenure = Tenure::begin(sent, self.broken);
        self.tenure = tenure.is_goose(now).then_some(tenure);
        if self.shutting_down {
            self.stop(Cause::ShutDown, &mut Vec::new());
        }
    }

    /// Rule 5: a Goose goes on while the record names this incarnation and
    /// term, or is a quarantine; also while nobody can tell what it says.
    fn yield_to_others(&mut self, out: &mut Vec<Output>) {
        let Some(tenure) = &self.tenure else { return };
        let Some(record) = self.known_record() else { return };
        let names_me = record.holder.as_ref() == Some(&self.me) && record.term == tenure.term;
        let quarantine = record.is_quarantine() && !self.broken.is(Mutation::QuarantineIsLoss);
        if !names_me && !quarantine && !self.broken.is(Mutation::OthersIgnored) {
            let cause = tenure.stopped.unwrap_or(Cause::Superseded);
            self.end(cause, out);
            self.sent.clear();
            self.own = None;
        }
    }

    /// The operator's orders, which bind from when they are seen.
    fn obey_orders(&mut self, out: &mut Vec<Output>) {
        let Some(lease) = self.lease.as_ref().filter(|lease| self.is_stamped(lease)) else {
            return;
        };
        let Some(tenure) = &self.tenure else { return };
        let orders = &lease.orders;
        if orders.fenced.iter().any(|uid| uid == self.me.pod_uid()) {
            self.stop(Cause::Fenced, out);
        } else if let Some(order) = &orders.handover
            && order.term == tenure.term
            && order.to != self.me.pod_uid()
        {
            self.stop(Cause::HandOverOrdered, out);
        }
    }

    /// Rule 8, first part: the role is Duck from here on, and every attempt
    /// still on its way is void; the release is written when it is due.
    fn stop(&mut self, cause: Cause, out: &mut Vec<Output>) {
        let Some(tenure) = &mut self.tenure else { return };
        if tenure.stopped.is_some() {
            return;
        }
        tenure.stopped = Some(cause);
        self.gave_up = Some(tenure.term);
        if !self.broken.is(Mutation::StopVoidsNothing) {
            self.sent.clear();
        }
        self.own = None;
        self.in_flight = None;
        self.paused_until = None;
        self.last_end = Some(cause);
        out.push(Output::Became(Role::Duck, cause));
    }

    /// The tenure is over without anything left to say.
    fn end(&mut self, cause: Cause, out: &mut Vec<Output>) {
        let told_before = self.tenure.take().is_some_and(|tenure| tenure.stopped.is_some());
        if !told_before {
            self.last_end = Some(cause);
            out.push(Output::Became(Role::Duck, cause));
        }
    }

    /// Only a broken rule 1 does anything here.
    fn extend_by_read(&mut self, now: &Reading) {
        if !self.broken.is(Mutation::ReadExtends) {
            return;
        }
        let Some(record) = self.known_record().cloned() else { return };
        if let Some(tenure) = &mut self.tenure
            && record.holder.as_ref() == Some(&self.me)
        {
            tenure.extend(now);
        }
    }

    /// Only a broken rule 1 does anything here.
    fn believe_unanswered(&mut self, now: &Reading, attempt: u64) {
        if !self.broken.is(Mutation::UnknownIsApplied) {
            return;
        }
        let Some(sent) = self.sent.iter().find(|sent| sent.record.attempt == attempt).cloned()
        else {
            return;
        };
        match &mut self.tenure {
            Some(tenure) => tenure.credit(&sent),
            None => self.begin(now, &sent),
        }
    }

    fn heard(&mut self, now: &Reading) {
        self.heard = Some(now.instant());
        self.resync_at = Some(now.after(self.jittered(self.patience)));
    }

    /// A write was refused, so there is a newer version. It is most likely on
    /// its way; if it does not come soon, the watch is broken.
    fn look_for_newer(&mut self, now: &Reading) {
        self.outdated = self.lease.as_ref().map(|lease| lease.version);
        let soon = now.after(self.timing.pause());
        self.resync_at = Some(self.resync_at.map_or(soon, |at| at.earlier(soon)));
    }

    /// Silence is noticed by this timer and not by a short time-out of the
    /// watch. It is normal where nobody renews: there, patience grows.
    fn suspect_silence(&mut self, now: &Reading, out: &mut Vec<Output>) {
        if !self.resync_at.is_some_and(|at| at.reached_on_either(now)) {
            return;
        }
        let held = self.known_record().is_some_and(|record| record.holder.is_some());
        self.patience =
            if held { self.timing.silence() } else { (self.patience * 2).min(LONGEST_PATIENCE) };
        self.resync_at = Some(now.after(self.jittered(self.patience)));
        out.push(Output::Resync);
    }

    fn note_ability(&mut self, now: &Reading) {
        let able = self.tenure.is_none() && self.lease.as_ref().is_some_and(|l| self.may_take(l));
        self.able_since = able.then(|| self.able_since.unwrap_or(now.instant()));
    }

    fn write_if_due(&mut self, now: &Reading, out: &mut Vec<Output>) {
        let Some(step) = self.next_step() else { return };
        if !self.wait_for(&step, now).is_zero() {
            return;
        }
        let Some(write) = self.compose(&step, now) else { return };
        self.attempt = write.record.attempt;
        self.in_flight = Some(write.record.attempt);
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

    /// Rule 6: the record of an object that was seen stamped, if it can be
    /// read. Whatever else stands under the name is not touched.
    fn readable<'a>(&self, lease: &'a Lease) -> Option<&'a Record> {
        if self.is_stamped(lease) { lease.record.as_ref().ok() } else { None }
    }

    fn known_record(&self) -> Option<&Record> {
        self.lease.as_ref().and_then(|lease| self.readable(lease))
    }

    fn is_stamped(&self, lease: &Lease) -> bool {
        self.stamped_uid.as_ref() == Some(&lease.uid)
    }

    fn jittered(&self, span: Duration) -> Duration {
        span + span * u32::from(self.jitter) / 4000
    }
}

#[cfg(feature = "mutations")]
impl crate::canonical::Canonical for Member {
    fn canonical(&mut self, renaming: &mut dyn crate::canonical::Renaming) {
        self.lease.canonical(renaming);
        self.following.canonical(renaming);
        self.tenure.canonical(renaming);
        self.sent.canonical(renaming);
        let credited = self.tenure.as_mut().map(|tenure| &mut tenure.credited_attempt);
        for attempt in
            [Some(&mut self.attempt), self.in_flight.as_mut(), credited].into_iter().flatten()
        {
            renaming.attempt(Some(&self.me), attempt);
        }
        // Of an older version than the newest known, neither will matter again.
        let newest = self.lease.as_ref().map_or(0, |lease| lease.version);
        self.own = self.own.take().filter(|(_, version)| *version >= newest);
        self.outdated = self.outdated.filter(|version| *version >= newest);
        let own = self.own.as_mut().map(|(_, version)| version);
        for version in [own, self.outdated.as_mut(), self.gave_up.as_mut()].into_iter().flatten() {
            renaming.version(version);
        }
        for instant in [&mut self.paused_until, &mut self.able_since].into_iter().flatten() {
            renaming.instant(instant);
        }
        let now = renaming.now();
        self.paused_until = self.paused_until.filter(|until| !until.reached_on_either(&now));
        if let Some(able) = &mut self.able_since
            && able.plus(stagger(None, 999)).reached_on_both(&now)
        {
            *able = able.with(*able, |_, _| Duration::ZERO);
        }
        // When it reads again is the model's choice; the rest is for people.
        self.resync_at = None;
        self.heard = None;
        self.last_end = None;
        self.patience = self.timing.silence();
    }
}

/// While nobody holds the Lease, a look at it at least this often.
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);

/// More attempts of unknown outcome than can matter within one lease.
const MOST_UNKNOWN: usize = 32;
