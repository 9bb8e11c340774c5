//! Reads the Lease, and follows it on one watch without a gap (rule 4).

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease as Object;
use kube::api::WatchEvent;
use tokio::time::sleep;

use crate::driver::client::{CallError, LeaseClient};
use crate::driver::elector::{Activity, Elector};
use crate::driver::object;
use crate::lease::Lease;
use crate::member::Input;

/// Tells the member each version, beginning with a fresh read, until dropped.
pub(super) async fn follow(elector: &Elector, client: &LeaseClient) -> Infallible {
    let mut reading = Reading { elector, client, failures: 0 };
    loop {
        match reading.read().await {
            Ok(version) => reading.follow_from(version).await,
            Err(error) => reading.note(&error),
        }
        reading.back_off().await;
    }
}

struct Reading<'a> {
    elector: &'a Elector,
    client: &'a LeaseClient,
    /// How many tries in a row brought nothing.
    failures: u32,
}

impl Reading<'_> {
    /// One fresh read. Returns the version to watch from: empty, for "now",
    /// where there is no Lease.
    async fn read(&mut self) -> Result<String, CallError> {
        loop {
            let applied = self.elector.applied();
            let found = self.client.get(self.limit()).await?;
            // An own write that was applied meanwhile may be newer than this.
            if self.elector.applied() != applied {
                continue;
            }
            self.elector.note(Activity::Reading, None);
            return match found {
                Some(object) => self.tell(object, |lease| Input::Read(Some(lease))),
                None => {
                    self.elector.tell(Input::Read(None), None);
                    Ok(String::new())
                }
            };
        }
    }

    /// Returns when there is a gap. A watch that is taken up again from the
    /// last version seen is unbroken.
    async fn follow_from(&mut self, mut version: String) {
        loop {
            match self.watch(&mut version).await {
                Ok(()) => {}
                Err(error) if error.is_gap() => return,
                Err(error) => self.note(&error),
            }
            self.back_off().await;
        }
    }

    /// One watch, until it ends.
    async fn watch(&mut self, version: &mut String) -> Result<(), CallError> {
        let mut events = pin!(self.client.watch(version, self.limit()).await?);
        self.elector.note(Activity::Reading, None);
        while let Some(event) = events.next().await {
            match event? {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    *version = self.tell(object, Input::Watched)?;
                }
                WatchEvent::Deleted(object) => {
                    *version = object.metadata.resource_version.ok_or(CallError::NotALease)?;
                    self.elector.tell(Input::Deleted, None);
                }
                WatchEvent::Bookmark(bookmark) => *version = bookmark.metadata.resource_version,
                WatchEvent::Error(status) => return Err(CallError::Said(status)),
            }
            self.failures = 0;
        }
        Ok(())
    }

    /// Returns the version that was told.
    fn tell(&self, object: Object, how: impl FnOnce(Lease) -> Input) -> Result<String, CallError> {
        let lease = object::lease(&object).ok_or(CallError::NotALease)?;
        let version = lease.version.to_string();
        // Where somebody else leads, what failed is not to be written any more.
        let holder = lease.record.as_ref().ok().and_then(|record| record.holder.as_ref());
        if holder.is_some_and(|holder| *holder != self.elector.me()) {
            self.elector.note(Activity::Writing, None);
        }
        self.elector.tell(how(lease), Some(Arc::new(object)));
        Ok(version)
    }

    fn note(&self, error: &CallError) {
        self.elector.note(Activity::Reading, Some(format!("cannot read the Lease: {error}")));
    }

    /// Once at once, then later and later.
    async fn back_off(&mut self) {
        sleep(self.pause()).await;
        self.failures += 1;
    }

    fn pause(&self) -> Duration {
        pause(self.failures, self.elector.jitter())
    }

    /// A server that is slower than an attempt may take gets more time.
    fn limit(&self) -> Duration {
        self.elector.limit() + self.pause()
    }
}

/// None before the first repetition, then doubled with each. Half of it is
/// spread by the jitter, for members that all failed at one time.
fn pause(failures: u32, jitter: u16) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
    let pause = (FIRST_PAUSE * 2u32.pow(doublings.min(8))).min(LONGEST_PAUSE);
    pause / 2 + pause / 2 * u32::from(jitter) / 1000
}

const FIRST_PAUSE: Duration = Duration::from_millis(250);

const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_members_are_spread() {
        assert_eq!(pause(0, 999), Duration::ZERO);
        for failures in 1..100 {
            let [least, most] = [0, 999].map(|jitter| pause(failures, jitter));
            assert!(least >= FIRST_PAUSE / 2 && most <= LONGEST_PAUSE);
            assert!(most > least * 19 / 10, "{least:?} {most:?}");
            assert!(least <= pause(failures + 1, 0));
        }
    }
}
