//! The handle on a member: everything that asks it or tells it something.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as Object;
use tokio::sync::{broadcast, mpsc, watch};

use crate::clock::Reading;
use crate::driver::answer::{CallError, outcome};
use crate::driver::calls::LeaseClient;
use crate::driver::connection::Access;
use crate::driver::event::{Activity, Event};
use crate::driver::state::{Job, State};
use crate::driver::{clocks, object, run};
use crate::lease::Lease;
use crate::member::{Config, Input, Member, Outcome, Role, View};
use crate::record::{Incarnation, Record};
use crate::timing::Timing;

/// Where to take part, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub lease: String,
    /// The member, see [`incarnation`](crate::driver::incarnation) and
    /// [`jitter`](crate::driver::jitter).
    pub member: Config,
}

/// A member of an election on a real Lease. Clones are the same member.
#[derive(Clone)]
pub struct Elector {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    clocks: Box<dyn Fn() -> Reading + Send + Sync>,
    jobs: mpsc::UnboundedSender<Vec<Job>>,
    events: broadcast::Sender<Event>,
    ended: watch::Sender<bool>,
    /// Releases of this and earlier terms may be written.
    permitted: watch::Sender<u64>,
    /// Why this member is too ill to lead.
    illness: Mutex<Option<String>>,
}

impl Elector {
    /// Starts to take part. Needs a tokio runtime with time and I/O. Goes on
    /// until [`shut_down`](Elector::shut_down), also without any handle left.
    pub fn join(settings: Settings) -> Elector {
        Elector::join_through(Access::Inferred, settings)
    }

    /// As [`join`](Elector::join), with another way to the API server.
    pub fn join_through(access: Access, settings: Settings) -> Elector {
        let client = LeaseClient::new(access, settings.namespace, settings.lease);
        Elector::drive(client, Member::new(settings.member), clocks::clocks)
    }

    pub(super) fn drive(
        client: LeaseClient,
        member: Member,
        clocks: impl Fn() -> Reading + Send + Sync + 'static,
    ) -> Elector {
        let (elector, jobs) = Elector::new(member, clocks);
        tokio::spawn(run::run(elector.clone(), Arc::new(client), jobs));
        elector
    }

    /// A member that nothing drives yet.
    fn new(
        member: Member,
        clocks: impl Fn() -> Reading + Send + Sync + 'static,
    ) -> (Elector, mpsc::UnboundedReceiver<Vec<Job>>) {
        let (jobs, receiver) = mpsc::unbounded_channel();
        let shared = Shared {
            state: Mutex::new(State::new(member, clocks())),
            clocks: Box::new(clocks),
            jobs,
            events: broadcast::Sender::new(EVENTS),
            ended: watch::Sender::new(false),
            permitted: watch::Sender::new(u64::MAX),
            illness: Mutex::default(),
        };
        (Elector { shared: Arc::new(shared) }, receiver)
    }

    /// Who this member is.
    pub fn me(&self) -> Incarnation {
        self.lock().member.me().clone()
    }

    /// What this member is at this moment (rule 2).
    pub fn role(&self) -> Role {
        let state = self.lock();
        state.member.role_at(&self.now())
    }

    /// What this member knows at this moment.
    pub fn view(&self) -> View {
        let state = self.lock();
        state.member.view(&self.now())
    }

    /// What does not work at the moment, in words; `None` when all does.
    pub fn trouble(&self) -> Option<String> {
        self.lock().troubles.first()
    }

    /// Whether the Lease itself was ever read. Once so, always so.
    pub fn has_read(&self) -> bool {
        self.lock().has_read()
    }

    /// Whether the loop still turns: tells of a defect, never of the role or of
    /// the API server.
    pub fn is_alive(&self) -> bool {
        let state = self.lock();
        state.is_alive(&self.now())
    }

    /// What happens from now on. A slow reader misses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.events.subscribe()
    }

    /// Gives the role up, if it is had: Duck when this returns. The release is
    /// written as soon as what was promised has passed.
    pub fn hand_over(&self) {
        self.tell(Input::HandOver, None);
    }

    /// Promises to stay Goose for `hold` (rule 11). What is refused only
    /// because none so long was asked for before is renewed for, and possible
    /// a little later.
    pub fn promise(&self, hold: Duration) -> bool {
        let granted = {
            let mut state = self.lock();
            let now = self.now();
            state.member.promise(&now, hold)
        };
        self.tell(Input::Tick, None);
        granted
    }

    /// The longest hold that [`promise`](Elector::promise) can grant.
    pub fn longest_hold(&self) -> Duration {
        self.timing().longest_hold()
    }

    /// Until nobody is kept from leading any more by the term that this member
    /// leads, or has just given up; zero when there is none.
    pub fn lease_left(&self) -> Duration {
        let state = self.lock();
        state.member.lease_left(&self.now())
    }

    /// Whether the operator names another pod that is ready to lead.
    pub fn has_successor(&self) -> bool {
        self.lock().member.has_successor()
    }

    /// From now on, no release is written before [`permit_release`] permits it:
    /// whatever the role was for is ended first. The member is a Duck meanwhile,
    /// and others wait the Lease out if it takes longer than that lasts.
    ///
    /// [`permit_release`]: Elector::permit_release
    pub fn withhold_releases(&self) {
        self.shared.permitted.send_replace(0);
    }

    /// Lets the release of this term be written, and of all before it.
    pub fn permit_release(&self, term: u64) {
        self.shared.permitted.send_replace(term);
    }

    /// Why this member is too ill to lead, for people; `None` once it is well.
    /// Told in the Lease ([`ILLNESS`](crate::lease::ILLNESS)) from its next
    /// renewal on, at no cost of its own. Words that change cost others a look.
    pub fn report_illness(&self, why: Option<String>) {
        *self.illness_noted() = why;
    }

    /// Ends: Duck at once. Returns when nothing is left to say, or after `limit`;
    /// whether it was the former.
    pub async fn shut_down(&self, limit: Duration) -> bool {
        self.tell(Input::ShutDown, None);
        let mut ended = self.shared.ended.subscribe();
        let waited = tokio::time::timeout(limit, ended.wait_for(|ended| *ended)).await;
        matches!(waited, Ok(Ok(_)))
    }

    /// Tells the machine what was seen, and the object that it was seen in.
    /// What it then wants goes to the loop in the order in which it was wanted.
    pub(super) fn tell(&self, input: Input, object: Option<Arc<Object>>) {
        let mut state = self.lock();
        let (jobs, events) = state.tell(self.now(), input, object);
        events.into_iter().for_each(|event| self.report(event));
        // Also when there are none: the loop's next time to wake may have changed.
        // Nobody listens any more after the end, when nothing is wanted either.
        let _ = self.shared.jobs.send(jobs);
    }

    /// Tells the machine of this version. Returns the version.
    pub(super) fn saw(
        &self,
        object: Object,
        how: impl FnOnce(Lease) -> Input,
    ) -> Result<String, CallError> {
        let lease = object::lease(&object).ok_or(CallError::NotALease)?;
        let version = lease.version.to_string();
        // Where somebody else leads, what failed is not to be written any more.
        let holder = lease.record.as_ref().ok().and_then(|record| record.holder.as_ref());
        if holder.is_some_and(|holder| *holder != self.me()) {
            self.note(Activity::Writing, None);
        }
        self.tell(how(lease), Some(Arc::new(object)));
        Ok(version)
    }

    /// Tells the machine what became of a write, this long after it left.
    pub(super) fn written(&self, attempt: u64, answer: Result<Object, CallError>, took: Duration) {
        let answer = answer.map(Arc::new);
        self.report(match &answer {
            Ok(_) => Event::Written(took),
            Err(error) => Event::WriteFailed(error.of_a_write()),
        });
        let outcome = outcome(&answer);
        // To be refused is no trouble: somebody else was quicker.
        let failed = answer.as_ref().err().filter(|_| outcome != Outcome::Refused);
        let trouble = failed.map(|error| format!("cannot write the Lease: {error}"));
        self.note(Activity::Writing, trouble);
        self.tell(Input::Written { attempt, outcome }, answer.ok());
    }

    /// Remembers what does not work, and reports each change of it.
    pub(super) fn note(&self, activity: Activity, trouble: Option<String>) {
        let changed = self.lock().troubles.note(activity, trouble);
        changed.into_iter().for_each(|event| self.report(event));
    }

    /// Notes that the loop turns, and tells for how long it may sleep.
    pub(super) fn turn(&self) -> Duration {
        let mut state = self.lock();
        state.turn(self.now())
    }

    /// Waits until a write with this record may leave: all but a release may at once.
    pub(super) async fn permits(&self, record: &Record) {
        if record.released {
            let mut permitted = self.shared.permitted.subscribe();
            // The sender is as old as this handle.
            let _ = permitted.wait_for(|permitted| *permitted >= record.term).await;
        }
    }

    /// What was reported last.
    pub(super) fn illness(&self) -> Option<String> {
        self.illness_noted().clone()
    }

    pub(super) fn is_done(&self) -> bool {
        self.lock().member.is_done()
    }

    pub(super) fn has_ended(&self) {
        self.shared.ended.send_replace(true);
    }

    pub(super) fn applied(&self) -> u64 {
        self.lock().applied
    }

    pub(super) fn jitter(&self) -> u16 {
        self.lock().member.jitter()
    }

    pub(super) fn timing(&self) -> Timing {
        self.lock().member.timing()
    }

    fn illness_noted(&self) -> MutexGuard<'_, Option<String>> {
        self.shared.illness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, event: Event) {
        // Whether anybody listens is not the member's concern.
        let _ = self.shared.events.send(event);
    }

    /// Always called with the lock held: a clock that was read before waiting
    /// for the lock would be an old one.
    fn now(&self) -> Reading {
        (self.shared.clocks)()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("a member that panicked does not answer")
    }
}

/// More events than happen between two looks of a reader that lives.
const EVENTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::Write;
    use futures::FutureExt;
    use serde_json::{from_value, json};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// An elector whose clocks stand at as many milliseconds as the counter.
    fn elector() -> (Elector, mpsc::UnboundedReceiver<Vec<Job>>, Arc<AtomicU64>) {
        let me = Incarnation::new("pond-0", "p0", "a").unwrap();
        let clock = Arc::new(AtomicU64::new(0));
        let hands = Arc::clone(&clock);
        let read = move || {
            let since_boot = Duration::from_millis(hands.load(Ordering::Relaxed));
            Reading {
                boottime: since_boot,
                raw: since_boot,
                slept: Duration::ZERO,
                wall: since_boot,
            }
        };
        let config = Config { me, timing: Timing::default(), jitter: 0 };
        let (elector, jobs) = Elector::new(Member::new(config), read);
        (elector, jobs, clock)
    }

    fn object(version: u64, record: &Record) -> Arc<Object> {
        let annotations =
            json!({"duckduckgoose.dev/lease": "u", "duckduckgoose.dev/record": record.to_text()});
        let metadata =
            json!({"uid": "u", "resourceVersion": version.to_string(), "annotations": annotations});
        Arc::new(from_value(json!({ "metadata": metadata })).unwrap())
    }

    fn read(elector: &Elector, object: Arc<Object>) {
        elector.tell(Input::Read(object::lease(&object)), Some(object));
    }

    fn apply(elector: &Elector, write: &Write) {
        let object = object(write.version + 1, &write.record);
        let outcome = Outcome::Applied(object::lease(&object).unwrap());
        let attempt = write.record.attempt;
        elector.tell(Input::Written { attempt, outcome }, Some(object));
    }

    fn next_write(jobs: &mut mpsc::UnboundedReceiver<Vec<Job>>) -> (Write, Arc<Object>) {
        while let Ok(batch) = jobs.try_recv() {
            for job in batch {
                if let Job::Write(write, base) = job {
                    return (write, base);
                }
            }
        }
        panic!("nothing was to be written");
    }

    /// Read a quarantine at 0 ms, taken when it was waited out, and renewed at once.
    fn goose() -> (Elector, mpsc::UnboundedReceiver<Vec<Job>>, Arc<AtomicU64>) {
        let (elector, mut jobs, clock) = elector();
        read(&elector, object(5, &Record::quarantine(0, Duration::from_secs(6))));
        clock.store(7_000, Ordering::Relaxed);
        elector.tell(Input::Tick, None);
        apply(&elector, &next_write(&mut jobs).0);
        apply(&elector, &next_write(&mut jobs).0);
        assert_eq!(elector.role(), Role::Goose { term: 5 });
        (elector, jobs, clock)
    }

    #[test]
    fn the_role_ends_by_the_clock_and_by_nothing_that_has_to_run() {
        let (elector, _jobs, clock) = goose();
        clock.store(7_000 + 5_789, Ordering::Relaxed);
        assert_eq!(elector.role(), Role::Goose { term: 5 });
        clock.store(7_000 + 5_790, Ordering::Relaxed);
        assert_eq!(elector.role(), Role::Duck);
        assert_eq!(elector.view().goose, None);
    }

    #[test]
    fn a_withheld_release_waits_until_its_term_is_permitted() {
        let (elector, mut jobs, _clock) = goose();
        let held = Record { released: false, ..Record::quarantine(5, Duration::from_secs(6)) };
        let released = Record { released: true, ..held.clone() };
        let may_leave = |record| elector.permits(record).now_or_never().is_some();
        assert!(may_leave(&released));

        elector.withhold_releases();
        elector.hand_over();
        assert_eq!(elector.role(), Role::Duck);
        assert_eq!(elector.lease_left(), Duration::from_millis(5_790));
        assert!(next_write(&mut jobs).0.record.released);
        assert!(may_leave(&held) && !may_leave(&released));
        elector.permit_release(4);
        assert!(!may_leave(&released));
        elector.permit_release(5);
        assert!(may_leave(&released));
    }

    #[test]
    fn who_hands_over_is_a_duck_before_the_release_is_sent() {
        let (elector, mut jobs, _clock) = goose();
        elector.hand_over();
        assert_eq!(elector.role(), Role::Duck);
        let (release, base) = next_write(&mut jobs);
        assert!(release.record.released);
        assert_eq!(object::lease(&base).unwrap().version, release.version);
    }

    #[test]
    fn a_late_event_does_not_replace_what_the_answer_to_an_own_write_told() {
        let (elector, mut jobs, clock) = goose();
        let stale = object(5, &Record::quarantine(0, Duration::from_secs(6)));
        elector.tell(Input::Watched(object::lease(&stale).unwrap()), Some(stale));
        clock.store(9_000, Ordering::Relaxed);
        elector.tell(Input::Tick, None);
        let (renewal, base) = next_write(&mut jobs);
        assert_eq!(object::lease(&base).unwrap().version, renewal.version);
    }

    #[test]
    fn who_leads_is_told_once_for_each_change() {
        let (elector, mut jobs, _clock) = elector();
        let mut events = elector.events();
        let other = Incarnation::new("pond-1", "p1", "a").unwrap();
        let held = |attempt| Record {
            holder: Some(other.clone()),
            attempt,
            ..Record::quarantine(3, Duration::from_secs(6))
        };
        read(&elector, object(5, &held(1)));
        read(&elector, object(6, &held(2)));
        let leads = Event::Leads { goose: Some(other.clone()), term: Some(3) };
        assert_eq!(events.try_recv(), Ok(leads));
        assert!(events.try_recv().is_err());
        while jobs.try_recv().is_ok() {}
    }

    #[test]
    fn a_loop_that_stands_still_is_noticed_also_while_the_role_is_right() {
        let (elector, _jobs, clock) = elector();
        assert!(elector.turn() <= Duration::from_secs(5));
        clock.store(19_000, Ordering::Relaxed);
        assert!(elector.is_alive());
        clock.store(21_000, Ordering::Relaxed);
        assert!(!elector.is_alive());
        assert!(!elector.has_read());
    }
}
