//! The objects that are applied server-side.

use k8s_openapi::api::core::v1::{Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::ResourceExt;

use super::{PERMISSION_RETRY, Pass, REFUSAL_RETRY};
use crate::api_error::{CallFailed, Treatment};
use crate::calls;
use crate::decide::object::{self, Applied, Found, Step, fingerprint};
use crate::decide::owner::Standing;
use crate::decide::ports::ports;
use crate::decide::problem::Problem;
use crate::decide::{access, disruption, service, workload};
use crate::kept::Shows;
use crate::memory::HeldOff;
use crate::stores::Kind;

impl Pass<'_> {
    /// What the members need, and then the members.
    pub(super) async fn keep_objects(&mut self) {
        let spec = &self.cluster.spec;
        let stores = &self.context.stores;
        if let Some(account) = access::service_account(&self.owner, &spec.template) {
            self.keep::<ServiceAccount>(&stores.accounts, account).await;
        }
        self.keep::<Role>(&stores.roles, access::role(&self.owner)).await;
        let binding = access::role_binding(&self.owner, &spec.template);
        self.keep::<RoleBinding>(&stores.role_bindings, binding).await;
        let ports = ports(&spec.template);
        self.keep::<Service>(&stores.services, service::members(&self.owner)).await;
        self.keep::<Service>(&stores.services, service::goose(&self.owner, &ports)).await;
        self.keep::<Service>(&stores.services, service::ducks(&self.owner, &ports)).await;
        let (most, is_alone) = (spec.update.max_unavailable, self.one_is_alone());
        let budget = disruption::budget(&self.owner, spec.replicas, most, is_alone);
        self.keep(&stores.budgets, budget).await;
        if !self.updates_are_ours().await {
            return;
        }
        match self.replicas_to_apply().await {
            Ok(replicas) => self.keep_stateful_set(replicas).await,
            Err(failure) => self.note(failure),
        }
    }

    /// Sees to it that the StatefulSet, if it is there, leaves updates to the operator.
    async fn updates_are_ours(&mut self) -> bool {
        let Some(set) = self.stateful_set.clone() else { return true };
        if self.owner.standing(&set.metadata) != Standing::Ours {
            return true;
        }
        let Some(patch) = workload::without_own_updates(&set) else { return true };
        let patched = calls::patch_set(&self.context.client, &set, &patch).await;
        patched.map_err(|failure| self.note(failure)).is_ok()
    }

    /// Makes the object as wanted, and notes what keeps it from being so.
    pub(super) async fn keep<K: Kind + k8s_openapi::Resource>(
        &mut self,
        store: &impl Shows<K>,
        wanted: K,
    ) {
        let print = fingerprint(&wanted);
        self.keep_as(store, wanted, print).await;
    }

    /// The same; what is wanted is known by this fingerprint.
    pub(super) async fn keep_as<K: Kind + k8s_openapi::Resource>(
        &mut self,
        store: &impl Shows<K>,
        wanted: K,
        print: u64,
    ) {
        let object = called(&wanted);
        if let Some(problem) = self.still_held_off(&object, print) {
            return self.problems.push(problem);
        }
        match self.bring_about(store, &wanted, print).await {
            Ok(()) => (),
            Err(failure) => match Problem::from_failure(&failure) {
                Some(problem) => self.hold_off(object, print, problem, Some(&failure)),
                None => self.note(failure),
            },
        }
    }

    /// One step towards the object as wanted.
    async fn bring_about<K: Kind + k8s_openapi::Resource>(
        &mut self,
        store: &impl Shows<K>,
        wanted: &K,
        print: u64,
    ) -> Result<(), CallFailed> {
        let client = &self.context.client;
        let name = called(wanted);
        let watched = store.found(&wanted.name_any(), &self.owner);
        let found = match &watched {
            Some(found) => Some(found.clone()),
            // What does not bear the cluster's label is not watched, and may have the name.
            None => calls::find(client, wanted).await?.map(|it| Found::new(&it, &self.owner)),
        };
        let applied = self.memory.applied.get(&name);
        let uid = match object::step(&name, print, found.as_ref(), applied) {
            Step::Nothing => return Ok(()),
            Step::Blocked(problem) if watched.is_some() => {
                self.problems.push(problem);
                return Ok(());
            }
            Step::Blocked(problem) => {
                self.hold_off(name, print, problem, None);
                return Ok(());
            }
            Step::Make => None,
            Step::Apply { uid } => Some(uid),
        };
        let as_seen = match &uid {
            None => self.cluster_is_as_seen_now().await?,
            Some(_) => self.cluster_is_as_seen().await?,
        };
        if !as_seen {
            // The watch is about to tell of it, and then comes another pass.
            return Ok(());
        }
        let became = match calls::apply(client, wanted, uid.as_deref()).await {
            Err(failure) if failure.is_worth_once_more() => {
                calls::apply(client, wanted, uid.as_deref()).await
            }
            answered => answered,
        };
        let became = became?;
        let became = Found::new(&became, &self.owner);
        self.memory.applied.insert(name, Applied { wanted: print, became });
        Ok(())
    }

    /// The problem that was met with the very same object, until it is time to try again.
    fn still_held_off(&mut self, object: &str, wanted: u64) -> Option<Problem> {
        let held = self.memory.held_off.get(object)?.clone();
        if held.wanted == wanted && self.now < held.until {
            self.look_again_in(held.until - self.now);
            return Some(held.problem);
        }
        self.memory.held_off.remove(object);
        None
    }

    /// Running pods are left as they are; the same object is not tried hot.
    fn hold_off(
        &mut self,
        object: String,
        wanted: u64,
        problem: Problem,
        failure: Option<&CallFailed>,
    ) {
        let refused = failure.is_some_and(|failure| failure.treatment == Treatment::Refused);
        let wait = if refused { REFUSAL_RETRY } else { PERMISSION_RETRY };
        tracing::warn!(
            cluster = self.owner.name,
            namespace = self.owner.namespace,
            reason = problem.reason,
            problem = problem.message
        );
        let held = HeldOff { wanted, until: self.now + wait, problem: problem.clone() };
        self.memory.held_off.insert(object, held);
        self.look_again_in(wait);
        self.problems.push(problem);
    }
}

/// `Service pond-members`, for example.
pub(super) fn called<K: Kind + k8s_openapi::Resource>(object: &K) -> String {
    format!("{} {}", K::KIND, object.name_any())
}
