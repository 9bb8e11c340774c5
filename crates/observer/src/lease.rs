//! Follows the Lease.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use election::lease::Lease;
use election::record::Record;
use futures::StreamExt;
use history::{LeaseSeen, LeaseState};
use k8s_openapi::api::coordination::v1;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::time::sleep;

use crate::board::Board;
use crate::clock::Clock;
use crate::scope::Scope;

/// Follows the Lease of the cluster for ever.
pub(crate) async fn follow(scope: Scope, client: Client, board: Arc<Board>, clock: Clock) {
    let leases: Api<v1::Lease> = Api::namespaced(client, &scope.namespace);
    let selector = format!("metadata.name={}", scope.cluster);
    let mut events = pin!(watcher(leases, Config::default().fields(&selector)));
    let mut is_listed = false;
    // What was before the first list is of no interest: nothing of it was missed.
    let (mut lists, mut after_gap) = (0_u32, false);
    while let Some(event) = events.next().await {
        let at = clock.now();
        match event {
            Ok(Event::Init) => {
                is_listed = false;
                after_gap = lists > 0;
                lists += 1;
            }
            Ok(Event::InitApply(lease) | Event::Apply(lease)) => {
                is_listed = true;
                let after_gap = std::mem::take(&mut after_gap);
                board.note(|seen| seen.note_lease(read(at, &lease, after_gap)));
            }
            Ok(Event::InitDone) if is_listed => {}
            Ok(Event::InitDone | Event::Delete(_)) => board.note(|seen| seen.lease_is_gone(at)),
            Err(_) => sleep(BACK_OFF).await,
        }
    }
}

fn read(at: Duration, lease: &v1::Lease, after_gap: bool) -> LeaseSeen {
    let uid = lease.uid().unwrap_or_default();
    let version = lease.resource_version().and_then(|text| text.parse().ok()).unwrap_or_default();
    let lease = Lease::from_metadata(&uid, version, lease.annotations());
    LeaseSeen { at, uid: uid.into(), version, state: state(&lease), after_gap }
}

fn state(lease: &Lease) -> LeaseState {
    if !lease.stamped {
        return LeaseState::Unstamped { write: write(lease) };
    }
    match &lease.record {
        Ok(record) => of_record(record),
        Err(why) => LeaseState::Unreadable { why: why.to_string() },
    }
}

fn write(lease: &Lease) -> Option<(Arc<str>, u64)> {
    let record = lease.record.as_ref().ok()?;
    Some((record.holder.as_ref()?.to_string().into(), record.attempt))
}

fn of_record(record: &Record) -> LeaseState {
    let (term, duration) = (record.term, record.duration);
    match &record.holder {
        Some(holder) => LeaseState::Held {
            pod: holder.pod().into(),
            incarnation: holder.to_string().into(),
            term,
            attempt: record.attempt,
            duration,
        },
        None if record.released => LeaseState::Released { term, duration },
        None => LeaseState::Quarantined { term, duration },
    }
}

/// Between two tries to reach the API server.
const BACK_OFF: Duration = Duration::from_millis(200);
