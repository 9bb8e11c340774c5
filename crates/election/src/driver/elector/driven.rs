//! The driver's side of the handle: what it tells the machine, and what it asks.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as Object;

use crate::driver::answer::{CallError, outcome};
use crate::driver::elector::Elector;
use crate::driver::event::{Activity, Event};
use crate::driver::object;
use crate::lease::Lease;
use crate::member::{Input, Outcome};
use crate::record::Record;
use crate::timing::Timing;

impl Elector {
    /// Tells the machine what was seen, and the object that it was seen in.
    /// What it then wants goes to the loop in the order in which it was wanted.
    pub(in crate::driver) fn tell(&self, input: Input, object: Option<Arc<Object>>) {
        let mut state = self.lock();
        let (jobs, events) = state.tell(self.now(), input, object);
        events.into_iter().for_each(|event| self.report(event));
        // Also when there are none: the loop's next time to wake may have changed.
        // Nobody listens any more after the end, when nothing is wanted either.
        let _ = self.shared.jobs.send(jobs);
    }

    /// Tells the machine of this version. Returns the version.
    pub(in crate::driver) fn saw(
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
    pub(in crate::driver) fn written(
        &self,
        attempt: u64,
        answer: Result<Object, CallError>,
        took: Duration,
    ) {
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
    pub(in crate::driver) fn note(&self, activity: Activity, trouble: Option<String>) {
        let changed = self.lock().troubles.note(activity, trouble);
        changed.into_iter().for_each(|event| self.report(event));
    }

    /// Notes that the loop turns, and tells for how long it may sleep.
    pub(in crate::driver) fn turn(&self) -> Duration {
        let mut state = self.lock();
        state.turn(self.now())
    }

    /// Waits until a write with this record may leave: all but a release may at once.
    pub(in crate::driver) async fn permits(&self, record: &Record) {
        if record.released {
            let mut permitted = self.shared.permitted.subscribe();
            // The sender is as old as this handle.
            let _ = permitted.wait_for(|permitted| *permitted >= record.term).await;
        }
    }

    /// What was reported last.
    pub(in crate::driver) fn illness(&self) -> Option<String> {
        self.illness_noted().clone()
    }

    pub(in crate::driver) fn is_done(&self) -> bool {
        self.lock().member.is_done()
    }

    pub(in crate::driver) fn has_ended(&self) {
        self.shared.ended.send_replace(true);
    }

    pub(in crate::driver) fn applied(&self) -> u64 {
        self.lock().applied
    }

    pub(in crate::driver) fn jitter(&self) -> u16 {
        self.lock().member.jitter()
    }

    pub(in crate::driver) fn timing(&self) -> Timing {
        self.lock().member.timing()
    }
}
