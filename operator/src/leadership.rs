//! Which replica of the operator works: elected by the same election that the members use.
//!
//! All replicas watch, so the next leader knows what the last one knew; only the leader writes.
//! Two that believe to lead for a moment do no harm, since each of their writes names the version
//! that it was decided on.

use std::time::Duration;

use election::driver::{Elector, Event, Settings, incarnation, jitter};
use election::member::{Cause, Config, Role};
use election::record::NotAnIncarnation;
use election::timing::Timing;
use kube::Client;
use tokio::sync::broadcast::error::RecvError;

use crate::own_lease::{self, OwnLease};

/// This replica in the operator's own election.
#[derive(Clone)]
pub enum Leadership {
    /// There are no others: a process that is told no pod and no namespace of its own.
    Alone,
    /// Elected among the replicas.
    Elected(Elector),
}

/// How this replica came to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Won {
    /// The leader before ended on purpose, when all that it had begun was done.
    HandedOver,
    /// The leader before is gone without a word: its last write may be on its way.
    TookOver,
}

/// The pod that this replica runs in.
#[derive(Clone, Debug)]
pub struct OwnPod {
    /// Its name.
    pub name: String,
    /// Its `metadata.uid`.
    pub uid: String,
    /// The Lease to be elected by.
    pub lease: OwnLease,
}

impl Leadership {
    /// Stands for election as this pod. A process that is in no pod is alone.
    ///
    /// # Errors
    /// When the pod's name or uid are none.
    pub fn stand(client: &Client, pod: Option<OwnPod>) -> Result<Leadership, NotAnIncarnation> {
        let Some(pod) = pod else { return Ok(Leadership::Alone) };
        let me = incarnation(&pod.name, &pod.uid)?;
        let member = Config { me, timing: Timing::default(), jitter: jitter() };
        let (namespace, lease) = (pod.lease.namespace.clone(), pod.lease.name.clone());
        tokio::spawn(own_lease::keep(client.clone(), pod.lease));
        Ok(Leadership::Elected(Elector::join(Settings { namespace, lease, member })))
    }

    /// Whether this replica leads at this moment.
    pub fn leads(&self) -> bool {
        match self {
            Leadership::Alone => true,
            Leadership::Elected(elector) => matches!(elector.role(), Role::Goose { .. }),
        }
    }

    /// Returns when this replica leads.
    pub async fn won(&self) -> Won {
        let Leadership::Elected(elector) = self else { return Won::TookOver };
        let mut events = elector.events();
        let mut how = Won::TookOver;
        while !self.leads() {
            match events.recv().await {
                Ok(Event::Became(Role::Goose { .. }, Cause::TookFree)) => how = Won::HandedOver,
                Ok(Event::Trouble(trouble)) => tracing::warn!(trouble, "the operator's election"),
                Ok(_) | Err(RecvError::Lagged(_)) => how = Won::TookOver,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
        how
    }

    /// Returns when this replica leads no more.
    pub async fn lost(&self) {
        let Leadership::Elected(elector) = self else { return std::future::pending().await };
        let mut events = elector.events();
        while self.leads() {
            if let Err(RecvError::Closed) = events.recv().await {
                return;
            }
        }
    }

    /// Lets another replica lead, as soon as it can.
    pub async fn hand_over(&self) {
        if let Leadership::Elected(elector) = self {
            elector.shut_down(TO_HAND_OVER).await;
        }
    }
}

/// One write, with time for a second attempt; the others wait the lease out where it fails.
const TO_HAND_OVER: Duration = Duration::from_secs(3);
