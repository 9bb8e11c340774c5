//! The StatefulSet, with the newest template or with the one that it has.

use api::names::{UPGRADE_ANNOTATION, UPGRADE_NOW};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::ResourceExt;

use super::Pass;
use crate::api_error::CallFailed;
use crate::calls;
use crate::decide::object::{Found, Step, content_fingerprint, fingerprint, step};
use crate::decide::owner::Standing;
use crate::decide::upgrade::{self, Origin, Rollout, Situation, Template};
use crate::decide::workload;
use crate::id::Id;

use super::objects::called;

impl Pass<'_> {
    /// Makes the StatefulSet as wanted, or all of it but its template.
    pub(super) async fn keep_stateful_set(&mut self, replicas: i32) {
        let spec = &self.cluster.spec;
        let set = workload::stateful_set(&self.owner, replicas, spec, &self.context.image);
        let origin = Origin::of(spec, &set.spec.template);
        let template = self.template(&origin);
        self.upgrade_waits = matches!(template, Template::Waiting | Template::Kept);
        let kept = match self.upgrade_waits {
            true => self.with_its_own_template(&set, &origin).await,
            false => Ok(Kept::ByNobody),
        };
        match kept {
            Ok(Kept::AsItIs) => (),
            Ok(Kept::By(set, print)) => {
                self.keep_as(&self.context.stores.stateful_sets, *set, print).await;
            }
            Ok(Kept::ByNobody) => {
                self.upgrade_waits = false;
                self.memory.kept_template = None;
                let rollout = match template {
                    Template::Newest => None,
                    Template::Upgrading => Some(Rollout::ByTurn),
                    _ => Some(Rollout::Own),
                };
                self.keep_newest(set, &origin, rollout).await;
            }
            Err(failure) => self.note(failure),
        }
    }

    async fn keep_newest(
        &mut self,
        mut set: StatefulSet,
        origin: &Origin,
        rollout: Option<Rollout>,
    ) {
        origin.write(&mut set);
        if let Some(rollout) = rollout {
            rollout.write(&mut set);
        }
        let called = called(&set);
        self.keep(&self.context.stores.stateful_sets, set).await;
        if self.memory.held_off.contains_key(&called) {
            // It would never end.
            self.end_turn();
        }
    }

    /// The cluster has no turn, or none any more.
    pub(super) fn end_turn(&self) {
        self.context.end_turn(&self.id());
    }

    fn id(&self) -> Id {
        Id::new(&self.owner.namespace, &self.owner.name)
    }

    /// Which template it is to have, after turns were taken.
    fn template(&mut self, wanted: &Origin) -> Template {
        let (_, status) = self.memory.newest(self.cluster);
        let observed = status.and_then(|status| status.observed_generation);
        let annotation = self.cluster.annotations().get(UPGRADE_ANNOTATION);
        let paused = self.cluster.spec.paused;
        let decided = upgrade::template(Situation {
            wanted,
            stateful_set: self.own_set(),
            replicas: self.cluster.spec.replicas,
            paused,
            at_once: annotation.is_some_and(|value| value == UPGRADE_NOW),
            spec_is_old: observed == self.cluster.metadata.generation,
        });
        let turns = &self.context.turns;
        let id = self.id();
        match decided {
            // The last write of the operator before may be on its way, which gives a turn.
            Template::Waiting if !self.quiet().is_zero() => self.look_again_in(self.quiet()),
            Template::Waiting if turns.ask(&id) => return Template::Upgrading,
            Template::Waiting => (),
            Template::Upgrading if !paused => turns.goes_on(&id),
            // A cluster that stands still because somebody wants it so is waited for by no other.
            _ => self.end_turn(),
        }
        decided
    }

    /// The StatefulSet as wanted, with the template that the API server has. That is only asked for
    /// when the rest of it is to be written.
    async fn with_its_own_template(
        &mut self,
        wanted: &StatefulSet,
        origin: &Origin,
    ) -> Result<Kept, CallFailed> {
        let Some(seen) = self.own_set() else { return Ok(Kept::AsItIs) };
        let found = Found::new(seen, &self.owner);
        let its_origin = Origin::read(seen);
        let mut set = wanted.clone();
        set.spec.template = PodTemplateSpec::default();
        its_origin.clone().unwrap_or(origin.clone().of_unknown_version()).write(&mut set);
        let (name, print) = (called(&set), fingerprint(&set));
        if step(&name, print, Some(&found), self.memory.applied.get(&name)) == Step::Nothing {
            return Ok(Kept::AsItIs);
        }
        let live = calls::find(&self.context.client, &set).await?;
        let as_seen = |live: &StatefulSet| {
            live.uid().as_ref() == Some(&found.uid) && Origin::read(live) == its_origin
        };
        let Some(live) = live.filter(as_seen) else {
            // The watch is about to tell of it.
            return Ok(Kept::AsItIs);
        };
        let template = content_fingerprint(&live.spec.template);
        let before = self.memory.kept_template.replace(template);
        if before.is_some_and(|before| before != template) {
            // Somebody edited it: nobody knows any more what it was.
            return Ok(Kept::ByNobody);
        }
        set.spec.template = live.spec.template;
        Ok(Kept::By(Box::new(set), print))
    }

    fn own_set(&self) -> Option<&StatefulSet> {
        let set = self.stateful_set.as_deref();
        set.filter(|set| self.owner.standing(&set.metadata) == Standing::Ours)
    }
}

/// Which StatefulSet keeps a template that is not the newest.
enum Kept {
    /// The one that is there, as it is.
    AsItIs,
    /// This one, which has this fingerprint without its template.
    By(Box<StatefulSet>, u64),
    /// None: it takes the newest.
    ByNobody,
}
