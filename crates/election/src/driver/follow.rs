//! Reads the Lease, and follows it on one watch without a gap (rule 4).

use std::convert::Infallible;
use std::iter;
use std::pin::pin;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::StreamExt;
use kube::api::WatchEvent;
use tokio::time::sleep;

use crate::driver::answer::CallError;
use crate::driver::calls::LeaseClient;
use crate::driver::elector::Elector;
use crate::driver::event::Activity;
use crate::member::Input;

/// Tells the member each version, beginning with a fresh read, until dropped.
pub(super) async fn follow(elector: &Elector, client: &LeaseClient) -> Infallible {
    let mut reading = Reading { elector, client, pauses: pauses(elector), pause: Duration::ZERO };
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
    pauses: Pauses,
    /// The last one.
    pause: Duration,
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
                Some(object) => self.elector.saw(object, |lease| Input::Read(Some(lease))),
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
                    *version = self.elector.saw(object, Input::Watched)?;
                }
                WatchEvent::Deleted(object) => {
                    *version = object.metadata.resource_version.ok_or(CallError::NotALease)?;
                    self.elector.tell(Input::Deleted, None);
                }
                WatchEvent::Bookmark(bookmark) => *version = bookmark.metadata.resource_version,
                WatchEvent::Error(status) => return Err(CallError::Said(status)),
            }
            self.pauses = pauses(self.elector);
        }
        Ok(())
    }

    fn note(&self, error: &CallError) {
        self.elector.note(Activity::Reading, Some(format!("cannot read the Lease: {error}")));
    }

    async fn back_off(&mut self) {
        self.pause = self.pauses.next().unwrap_or(self.pause);
        sleep(self.pause).await;
    }

    /// A server that is slower than an attempt may take gets more time.
    fn limit(&self) -> Duration {
        self.elector.timing().attempt() + self.pause
    }
}

type Pauses = Box<dyn Iterator<Item = Duration> + Send>;

/// None before the first repetition, then from 125 ms to 2.5 s, each up to
/// twice as long at random, for members that all failed at one time.
fn pauses(elector: &Elector) -> Pauses {
    let growing = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(125))
        .with_max_delay(Duration::from_millis(2_500))
        .without_max_times()
        .with_jitter()
        .with_jitter_seed(elector.jitter().into());
    Box::new(iter::once(Duration::ZERO).chain(growing.build()))
}
