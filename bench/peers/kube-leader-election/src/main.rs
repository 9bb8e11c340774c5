//! The crate kube-leader-election as a sidecar, told over HTTP as all peers are.
//!
//! It is used as its documentation says: asked for the lock three times in a lease, and told to step down at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use bench_front::{Candidate, Place, Settings, now, serve};
use kube::Client;
use kube_leader_election::{LeaseLock, LeaseLockParams, LeaseLockResult};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

#[tokio::main]
async fn main() -> Result<()> {
    let settings = Settings::from_environment()?;
    let mut members = Vec::new();
    for place in &settings.places {
        members.push(Member::join(&settings, place).await?);
    }
    serve(&settings.listen, members).await
}

struct Member {
    pod: String,
    /// Held while something is asked of it: nothing is renewed while it steps down, nor after it has left.
    lock: Mutex<Option<LeaseLock>>,
    /// When it began to lead: it has no fencing token. Zero while it does not lead.
    leads_since: AtomicU64,
}

impl Member {
    async fn join(settings: &Settings, place: &Place) -> Result<Arc<Self>> {
        let params = LeaseLockParams {
            // As its example does it: who starts again is somebody else.
            holder_id: format!("{}-{:x}", place.pod, now()),
            lease_name: place.lease.clone(),
            lease_ttl: settings.duration,
        };
        // A client, and so a connection, of its own.
        let lock = LeaseLock::new(Client::try_default().await?, &settings.namespace, params);
        let (pod, leads_since) = (place.pod.clone(), AtomicU64::new(0));
        let member = Arc::new(Self { pod, lock: Mutex::new(Some(lock)), leads_since });
        tokio::spawn(member.clone().take_part(settings.duration / 3));
        Ok(member)
    }

    async fn take_part(self: Arc<Self>, pause: Duration) {
        let mut pace = interval(pause);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            let lock = self.lock.lock().await;
            let Some(lock) = lock.as_ref() else { return };
            self.learn(lock.try_acquire_or_renew().await);
        }
    }

    fn learn(&self, result: Result<LeaseLockResult, kube_leader_election::Error>) {
        match result {
            Ok(LeaseLockResult::Acquired(_)) => {
                // Kept where it leads already.
                let _ = self.leads_since.compare_exchange(0, now(), Ordering::Relaxed, Ordering::Relaxed);
            }
            Ok(LeaseLockResult::NotAcquired(_)) => self.leads_since.store(0, Ordering::Relaxed),
            // What it was it still is, as far as it knows.
            Err(error) => eprintln!("{}: {error}", self.pod),
        }
    }

    async fn step_down(&self, lock: &LeaseLock) {
        if self.leads_since.swap(0, Ordering::Relaxed) != 0
            && let Err(error) = lock.step_down().await
        {
            eprintln!("{}: {error}", self.pod);
        }
    }
}

impl Candidate for Member {
    fn term(&self) -> Option<u64> {
        Some(self.leads_since.load(Ordering::Relaxed)).filter(|since| *since != 0)
    }

    fn hand_over(self: Arc<Self>) {
        tokio::spawn(async move {
            let lock = self.lock.lock().await;
            if let Some(lock) = lock.as_ref() {
                self.step_down(lock).await;
            }
        });
    }

    async fn leave(&self) {
        let lock = self.lock.lock().await.take();
        if let Some(lock) = lock {
            self.step_down(&lock).await;
        }
    }
}
