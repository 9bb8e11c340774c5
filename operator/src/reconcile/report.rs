//! The status, and Events of what changed in it.

use std::time::Duration;

use api::DuckGooseClusterStatus;
use api::status::condition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::Pass;
use crate::calls;
use crate::decide::availability::{self, Goose, available};
use crate::decide::happening::happenings;
use crate::decide::illness;
use crate::decide::owner::Standing;
use crate::decide::progress;
use crate::decide::status::{self, Verdict, find};

impl Pass<'_> {
    /// Writes the status if it changed, and tells of the change.
    pub(super) async fn keep_status(&mut self) {
        let (version, before) = self.memory.newest(self.cluster);
        let available = self.available(before.as_ref());
        let progress = self.progress();
        let record = self.record.as_ref();
        let goose_ill = illness::goose_ill(self.cluster, self.lease.as_deref(), record);
        let owner = &self.owner;
        let term = self.record.as_ref().map_or(0, |record| record.term);
        let wanted = status::status(&status::Situation {
            cluster: &owner.name,
            generation: self.cluster.metadata.generation,
            paused: self.cluster.spec.paused,
            members: &self.members,
            record: self.record.as_ref(),
            before: before.as_ref(),
            available: &available,
            progress: &progress,
            goose_ill: &goose_ill,
            problems: &self.problems,
            begun: self.context.stores.reigns.begun(&owner.namespace, &owner.name, term),
            time: &Time(jiff::Timestamp::now()),
        });
        if before.as_ref() == Some(&wanted) {
            return;
        }
        let patch = status::patch(&owner.uid, &version.to_string(), &wanted);
        match calls::patch_status(&self.context.client, self.cluster, &patch).await {
            Ok(answer) => {
                self.memory.wrote_status(&answer);
                self.tell(&before.unwrap_or_default(), &wanted);
            }
            Err(failure) => self.note(failure),
        }
    }

    /// The condition Available. Sees to it that it is looked at again when it is due.
    fn available(&mut self, before: Option<&DuckGooseClusterStatus>) -> Verdict {
        let replicas = self.cluster.spec.replicas;
        let goose = status::goose(&self.members, self.record.as_ref());
        let name = goose.map(|pod| pod.name_any()).unwrap_or_default();
        let goose = status::goose_now(goose.map(|pod| &**pod), &name, self.record.as_ref());
        let missed = replicas > 0 && !matches!(goose, Goose::Ready(_));
        let since = self.memory.without_goose.filter(|_| missed).unwrap_or(self.now);
        self.memory.without_goose = missed.then_some(since);
        let (verdict, look_again) = available(availability::Situation {
            goose,
            replicas,
            before: find(before, condition::AVAILABLE),
            without: self.now.duration_since(since),
            patience: Duration::from(self.cluster.spec.lease.duration) + TO_TAKE_OVER,
        });
        if let Some(wait) = look_again {
            self.look_again_in(wait);
        }
        verdict
    }

    /// The condition Progressing. Sees to it that it is looked at again when it is due.
    fn progress(&mut self) -> Verdict {
        let owner = &self.owner;
        let own_set = self.stateful_set.as_deref();
        let (verdict, look_again) = progress::progress(progress::Situation {
            replicas: self.cluster.spec.replicas,
            upgrade_waits: self.upgrade_waits,
            stateful_set: own_set.filter(|set| owner.standing(&set.metadata) == Standing::Ours),
            members: &self.members,
            time: jiff::Timestamp::now(),
        });
        if let Some(wait) = look_again {
            self.look_again_in(wait);
        }
        verdict
    }

    fn tell(&self, before: &DuckGooseClusterStatus, now: &DuckGooseClusterStatus) {
        for happening in happenings(before, now, &self.members) {
            self.context.events.tell(self.cluster, happening);
        }
    }
}

/// Who has waited one lease out still has to write, and the operator to see it: a take-over that
/// took one lease and this is an ordinary one.
const TO_TAKE_OVER: Duration = Duration::from_millis(500);
