//! The Goose is moved: because somebody asks for it, or before its pod must go.

use std::sync::Arc;
use std::time::Duration;

use api::goose::Policy;
use api::names::HANDOVER_ANNOTATION;
use election::lease::HandOverOrder;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::Pass;
use crate::calls;
use crate::decide::handover::{self, BOUND, Move};
use crate::decide::happening::Happening;
use crate::decide::lease;
use crate::decide::object::version;
use crate::decide::pods::is_ready;
use crate::decide::preference;
use crate::decide::request::{self, Answer, answer};
use crate::decide::rollout::ducks_are_done;
use crate::decide::succession::Rules;

impl Pass<'_> {
    /// What decides about the succession.
    pub(super) fn rules(&self) -> Rules<'_> {
        let spec = &self.cluster.spec;
        Rules {
            replicas: spec.replicas,
            goose: &spec.goose,
            revision: self.revision.as_deref(),
            cordoned: &self.cordoned,
        }
    }

    /// The ready members that are next in line.
    pub(super) fn line(&self) -> Vec<Arc<Pod>> {
        let goose = self.record.as_ref().and_then(|record| record.holder.as_ref());
        self.rules().line(&self.members, goose.map(|goose| goose.pod_uid()))
    }

    /// Decides where the Goose is to be moved, if at all.
    pub(super) async fn decide_move(&mut self) {
        self.handover = None;
        if self.cluster.spec.paused {
            // Nobody would take the role over.
            self.memory.awaited = None;
        } else {
            self.move_before_it_must_go();
            self.move_to_a_better_one();
            if self.handover.is_none() {
                self.handover = handover::under_way(self.record.as_ref(), self.ordered().as_ref());
            }
        }
        self.answer_request().await;
    }

    fn move_before_it_must_go(&mut self) {
        let record = self.record.as_ref();
        let revision = self.revision.as_deref();
        let done = revision.is_some_and(|revision| ducks_are_done(self.rollout(revision)));
        let Move { order, awaited } =
            handover::decide(&self.rules(), &self.members, &self.line(), record, done);
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

    /// Fail-back, where it is wanted.
    fn move_to_a_better_one(&mut self) {
        if self.handover.is_some() || self.cluster.spec.goose.policy != Policy::Prefer {
            return;
        }
        let (_, status) = self.memory.newest(self.cluster);
        let record = self.record.as_ref();
        let Some((record, goose)) = handover::goose(&self.members, record) else { return };
        let found = preference::better(preference::Situation {
            rules: &self.rules(),
            line: &self.line(),
            goose,
            term: record.term,
            history: &status.unwrap_or_default().history,
            lease: self.cluster.spec.lease.duration.into(),
            time: jiff::Timestamp::now(),
        });
        match found {
            Some((order, Duration::ZERO)) => self.handover = Some(order),
            Some((_, wait)) => self.look_again_in(wait),
            None => (),
        }
    }

    /// For how long the Goose's pod is kept yet, so that its role can be moved before it goes.
    pub(super) fn left_to_move(&self) -> Option<Duration> {
        let (_, since) = self.memory.awaited.as_ref()?;
        let left = BOUND.saturating_sub(self.now.duration_since(*since));
        (!left.is_zero()).then_some(left)
    }

    /// Whether no more than one pod is ready.
    pub(super) fn one_is_alone(&self) -> bool {
        self.members.iter().filter(|pod| is_ready(pod)).take(2).count() < 2
    }

    /// How many pods the StatefulSet is to have now.
    pub(super) fn replicas(&self) -> i32 {
        let kept = self.cluster.spec.paused || self.left_to_move().is_some();
        let wanted = self.cluster.spec.replicas;
        handover::replicas(wanted, &self.members, self.record.as_ref(), kept)
    }

    /// The hand-over that the Lease orders.
    pub(super) fn ordered(&self) -> Option<HandOverOrder> {
        self.lease.as_deref().and_then(|found| lease::read(found).orders.handover)
    }

    /// The planned hand-over.
    async fn answer_request(&mut self) {
        let Some(asked) = self.cluster.annotations().get(HANDOVER_ANNOTATION) else { return };
        if version(self.cluster) < self.memory.answered {
            return; // From before it was taken away.
        }
        let ordered = self.ordered();
        let answer = answer(
            asked,
            request::Situation {
                rules: &self.rules(),
                members: &self.members,
                record: self.record.as_ref(),
                ordered: ordered.as_ref(),
                paused: self.cluster.spec.paused,
            },
        );
        match answer {
            Answer::Wait => (),
            Answer::Order(order) => self.handover = Some(order),
            Answer::Done => drop(self.take_request_away().await),
            Answer::Refused(why) => {
                if self.take_request_away().await {
                    let refused = Happening::refused(HAND_OVER_REFUSED, why);
                    self.context.events.tell(self.cluster, refused);
                }
            }
        }
    }

    /// Takes the annotation away, so that the request is answered once. Whether that was done.
    async fn take_request_away(&mut self) -> bool {
        let (version, _) = self.memory.newest(self.cluster);
        let patch = request::taken_away(&self.owner.uid, &version.to_string());
        match calls::patch(&self.context.client, self.cluster, &patch).await {
            Ok(cluster) => self.memory.answered_request(&cluster),
            Err(failure) => {
                self.note(failure);
                return false;
            }
        }
        true
    }
}

/// Reason of the Event.
const HAND_OVER_REFUSED: &str = "HandOverRefused";
