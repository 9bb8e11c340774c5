//! The Goose is moved before its pod must go.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::Pass;
use crate::decide::handover::{self, BOUND, Move};
use crate::decide::succession::Rules;

impl Pass<'_> {
    /// What decides about the succession.
    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { replicas: self.cluster.spec.replicas, cordoned: &self.cordoned }
    }

    /// The ready members that are next in line.
    pub(super) fn line(&self) -> Vec<Arc<Pod>> {
        let goose = self.record.as_ref().and_then(|record| record.holder.as_ref());
        self.rules().line(&self.members, goose.map(|goose| goose.pod_uid()))
    }

    /// Decides where the Goose is to be moved, if at all.
    pub(super) fn decide_move(&mut self) {
        let record = self.record.as_ref();
        let Move { order, awaited } =
            handover::decide(&self.rules(), &self.members, &self.line(), record);
        let before = self.memory.awaited.take();
        self.handover = order;
        self.memory.awaited = awaited.map(|awaited| match before {
            Some((before, since)) if before == awaited => (before, since),
            _ => (awaited, self.now),
        });
        if let Some(left) = self.left_to_move() {
            self.look_again_in(left);
        }
    }

    /// For how long the Goose's pod is kept yet, so that its role can be moved before it goes.
    fn left_to_move(&self) -> Option<Duration> {
        let (_, since) = self.memory.awaited.as_ref()?;
        let left = BOUND.saturating_sub(self.now.duration_since(*since));
        (!left.is_zero()).then_some(left)
    }

    /// How many pods the StatefulSet is to have now.
    pub(super) fn replicas(&self) -> i32 {
        let kept = self.left_to_move().is_some();
        let wanted = self.cluster.spec.replicas;
        handover::replicas(wanted, &self.members, self.record.as_ref(), kept)
    }
}
