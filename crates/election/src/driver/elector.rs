//! The handle on a member: whoever wants the role asks it; the driver tells it what it sees (`driven`).

mod driven;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};

use crate::clock::Reading;
use crate::driver::calls::LeaseClient;
use crate::driver::connection::Access;
use crate::driver::event::Event;
use crate::driver::state::{Job, State};
use crate::driver::{clocks, run};
use crate::member::{Config, Input, Member, Role, View};
use crate::record::Incarnation;

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
    /// until [`shut_down`](Elector::shut_down), also without any handle left. What fails is tried again,
    /// and told by [`trouble`](Elector::trouble) and [`events`](Elector::events).
    ///
    /// # Panics
    /// Outside of such a runtime.
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

    /// Promises to stay Goose for `hold` (rule 11). Whether it does. What is refused only
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
