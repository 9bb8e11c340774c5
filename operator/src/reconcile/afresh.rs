//! What is asked afresh before anything is made, changed or removed: lists and watches may be late,
//! also those that an operator begins with. These questions are rare, as such writes are.

use api::DuckGooseCluster;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::Pass;
use crate::api_error::{CallFailed, Treatment};
use crate::calls;
use crate::decide::handover;
use crate::decide::labels::PodVersion;
use crate::decide::rollout;

impl Pass<'_> {
    /// The cluster as the API server has it now, if it is there and is no other by its name.
    pub(super) async fn read_cluster(&mut self) -> Result<Option<DuckGooseCluster>, CallFailed> {
        let seen = &self.cluster.metadata;
        let found = match calls::read(&self.context.client, self.cluster).await {
            Ok(found) => Some(found).filter(|found| found.metadata.uid == seen.uid),
            Err(failure) if failure.treatment == Treatment::Gone => None,
            Err(failure) => return Err(failure),
        };
        self.cluster_is_as_seen = Some(found.as_ref().is_some_and(|found| {
            let now = &found.metadata;
            now.generation == seen.generation && now.deletion_timestamp.is_none()
        }));
        Ok(found)
    }

    /// Whether the cluster is there and is to be as this pass sees it, asked before each object that
    /// is made, after it was found that there is none. Else it may be missing since the garbage
    /// collector has taken it, and what is made once more for a deleted cluster runs until that comes
    /// again.
    pub(super) async fn cluster_is_as_seen_now(&mut self) -> Result<bool, CallFailed> {
        self.read_cluster().await?;
        self.cluster_is_as_seen().await
    }

    /// The same, asked once per pass, before anything is changed: of an earlier spec a scale-in could
    /// come that nobody wants any more.
    pub(super) async fn cluster_is_as_seen(&mut self) -> Result<bool, CallFailed> {
        if self.cluster_is_as_seen.is_none() {
            self.read_cluster().await?;
        }
        Ok(self.cluster_is_as_seen.unwrap_or(false))
    }

    /// How many pods the StatefulSet is to have. Where some of them are only kept for the Goose's sake,
    /// it is asked how many it has: pods that are scaled away already are not made once more.
    pub(super) async fn replicas_to_apply(&self) -> Result<i32, CallFailed> {
        let (replicas, wanted) = (self.replicas(), self.cluster.spec.replicas);
        if replicas <= wanted {
            return Ok(replicas);
        }
        let metadata = self.owner.metadata(&self.owner.name);
        let like = StatefulSet { metadata, ..StatefulSet::default() };
        let found = calls::find(&self.context.client, &like).await?;
        let there = found.and_then(|set| set.spec.replicas).unwrap_or(0);
        Ok(handover::kept(replicas, wanted, there))
    }

    /// Whether the StatefulSet still wants its pods to be of this revision. By an earlier one, pods
    /// that are up to date would be made anew.
    pub(super) async fn revision_is(&mut self, revision: &str) -> bool {
        let Some(set) = self.stateful_set.clone() else { return false };
        match calls::find::<StatefulSet>(&self.context.client, &set).await {
            Ok(found) => found.is_some_and(|found| {
                found.uid() == set.uid() && rollout::revision(&found) == Some(revision)
            }),
            Err(failure) => {
                self.note(failure);
                false
            }
        }
    }

    /// Whether the pod is still of this version. An eviction of an earlier one fails, and Kubernetes
    /// counts it in the disruption budget for two minutes all the same.
    pub(super) async fn pod_is_as_seen(&mut self, seen: &PodVersion) -> bool {
        let like = Pod { metadata: self.owner.metadata(&seen.name), ..Pod::default() };
        match calls::find(&self.context.client, &like).await {
            Ok(found) => found.is_some_and(|found| PodVersion::of(&found) == *seen),
            Err(failure) => {
                self.note(failure);
                false
            }
        }
    }
}
