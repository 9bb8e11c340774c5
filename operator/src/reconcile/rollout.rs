//! A changed template is brought to the pods.

use std::time::Duration;

use super::Pass;
use crate::api_error::{CallFailed, Treatment};
use crate::calls;
use crate::decide::rollout::{self, Removal, removals};

impl Pass<'_> {
    /// Removes the pods whose turn it is, so that the StatefulSet makes them anew.
    pub(super) async fn keep_pods_up_to_date(&mut self) {
        if self.cluster.spec.paused {
            return;
        }
        let Some(revision) = self.revision.clone() else { return };
        if let Some(wait) = rollout::next_look(self.rollout(&revision)) {
            self.look_again_in(wait);
        }
        let removals = removals(self.rollout(&revision));
        if removals.is_empty() || !self.revision_is(&revision).await {
            return;
        }
        for removal in removals {
            if let Removal::Evict(pod) = &removal
                && !self.pod_is_as_seen(pod).await
            {
                // The watch is about to tell of it, but what changed may be nothing that wakes anybody,
                // such as a mark of the operator's own.
                self.look_again_in(NEXT_EVICTION);
                continue;
            }
            let removed = match self.remove(&removal).await {
                Err(failure) if failure.is_worth_once_more() => self.remove(&removal).await,
                answered => answered,
            };
            match removed {
                Ok(()) => {
                    let (cluster, namespace) = (&self.owner.name, &self.owner.namespace);
                    tracing::info!(cluster, namespace, ?removal, "updated");
                }
                // Everyday life of a rollout: a disruption budget, which counts some time later.
                Err(CallFailed { treatment: Treatment::After(_), .. }) => {
                    self.look_again_in(NEXT_EVICTION);
                }
                Err(failure) => self.note(failure),
            }
        }
    }

    async fn remove(&self, removal: &Removal) -> Result<(), CallFailed> {
        let (client, namespace) = (&self.context.client, &self.owner.namespace);
        match removal {
            Removal::Evict(pod) => calls::evict(client, namespace, pod).await,
            Removal::Delete(pod) => calls::delete_pod(client, namespace, pod).await,
        }
    }

    /// What a rollout to this revision is decided from.
    pub(super) fn rollout<'a>(&'a self, revision: &'a str) -> rollout::Situation<'a> {
        let update = self.cluster.spec.update;
        let holder = self.record.as_ref().and_then(|record| record.holder.as_ref());
        rollout::Situation {
            members: &self.members,
            revision,
            replicas: self.replicas(),
            max_unavailable: update.max_unavailable,
            min_ready: Duration::from_secs(u64::try_from(update.min_ready_seconds).unwrap_or(0)),
            time: jiff::Timestamp::now(),
            goose: holder.map(|holder| holder.pod_uid()),
            kept: self.left_to_move().is_some(),
        }
    }
}

/// How long after an eviction that was refused, or not asked for yet, it is thought of again.
const NEXT_EVICTION: Duration = Duration::from_secs(1);
