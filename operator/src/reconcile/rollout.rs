//! A changed template is brought to the pods.

use super::Pass;
use crate::calls;
use crate::decide::rollout::{self, Removal, removals};

impl Pass<'_> {
    /// Removes the pods whose turn it is, so that the StatefulSet makes them anew.
    pub(super) async fn keep_pods_up_to_date(&mut self) {
        if self.cluster.spec.paused {
            return;
        }
        let Some(revision) = self.revision.clone() else { return };
        for removal in removals(self.rollout(&revision)) {
            let (client, namespace) = (&self.context.client, &self.owner.namespace);
            let removed = match &removal {
                Removal::Evict(pod) => calls::evict(client, namespace, pod).await,
                Removal::Delete(pod) => calls::delete_pod(client, namespace, pod).await,
            };
            match removed {
                Ok(()) => tracing::info!(cluster = self.owner.name, namespace, ?removal, "updated"),
                Err(failure) => self.note(failure),
            }
        }
    }

    /// What a rollout to this revision is decided from.
    pub(super) fn rollout<'a>(&'a self, revision: &'a str) -> rollout::Situation<'a> {
        let holder = self.record.as_ref().and_then(|record| record.holder.as_ref());
        rollout::Situation {
            members: &self.members,
            revision,
            replicas: self.replicas(),
            max_unavailable: self.cluster.spec.update.max_unavailable,
            goose: holder.map(|holder| holder.pod_uid()),
            kept: self.left_to_move().is_some(),
        }
    }
}
