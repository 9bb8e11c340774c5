//! One pass over one cluster: observe, decide, carry out.
//!
//! The order is that of the rules. A dead holder's record is released first, for all wait for that.
//! Between a hand-over and the next Goose nothing else is done. Then come traffic and labels, since clients follow them; the longest
//! lease, before anything is ordered or waited out by it; the Lease; the other objects; and the
//! status, which tells of all of these.
//!
//! A step whose call fails keeps no other from being carried out, unless that one rests on it: what is
//! refused in each pass would hold up everything else for ever. The pass comes again with a back-off.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use api::status::reconciled;
use api::{DuckGooseCluster, DuckGooseClusterStatus};
use election::lease::{HandOverOrder, Orders};
use election::record::Record;
use election::timing::Timing;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::runtime::controller::Action;
use serde_json::json;
use tokio::time::Instant;

use crate::api_error::{CallFailed, Treatment};
use crate::calls;
use crate::decide::interregnum::Interregnum;
use crate::decide::owner::{Owner, Standing};
use crate::decide::pods::belongs_to;
use crate::decide::problem::Problem;
use crate::decide::{self, lease, longest, succession};
use crate::memory::{Context, Memory};
use crate::stores::named;

mod afresh;
mod death;
mod moves;
mod objects;
mod report;
mod roles;
mod rollout;
mod traffic;
mod upgrade;

/// Brings one cluster closer to its spec, and says when to look again if nothing wakes it.
pub async fn reconcile(cluster: Arc<DuckGooseCluster>, context: Arc<Context>) -> Action {
    let memory = context.recall(&cluster);
    if let Some(wait) = memory.leaves_alone(Instant::now()) {
        // Whatever woke it: the API server asked for this.
        context.remember(&cluster, memory);
        return Action::requeue(wait);
    }
    let mut pass = Pass::observe(&cluster, &context, memory);
    let released = pass.bury_the_dead().await;
    if !pass.next_goose_is_due() {
        pass.keep_traffic().await;
        pass.keep_labels().await;
        match cluster.metadata.deletion_timestamp {
            Some(_) => pass.end_turn(),
            None if released => (),
            None => pass.keep_all_else().await,
        }
    }
    let action = pass.action();
    context.remember(&cluster, pass.memory);
    action
}

/// What one pass sees, and what it finds out.
struct Pass<'a> {
    context: &'a Context,
    cluster: &'a DuckGooseCluster,
    owner: Owner,
    lease: Option<Arc<Lease>>,
    /// The record, if it says who leads.
    record: Option<Record>,
    /// All pods with the cluster's label.
    pods: Vec<Arc<Pod>>,
    /// Those of the cluster's own StatefulSet.
    members: Vec<Arc<Pod>>,
    /// Those of their nodes that are cordoned.
    cordoned: HashSet<String>,
    /// The StatefulSet of the cluster's name, whosever it is.
    stateful_set: Option<Arc<StatefulSet>>,
    /// The revision that all pods are to have, where it is known.
    revision: Option<String>,
    /// The hand-over that is to be ordered, if any.
    handover: Option<HandOverOrder>,
    /// Whether the StatefulSet keeps a template that another version of the operator made.
    upgrade_waits: bool,
    /// Whether the cluster is as this pass sees it, where that was asked afresh.
    cluster_is_as_seen: Option<bool>,
    memory: Memory,
    now: Instant,
    problems: Vec<Problem>,
    look_again: Option<Duration>,
    failed: bool,
}

impl<'a> Pass<'a> {
    fn observe(cluster: &'a DuckGooseCluster, context: &'a Context, memory: Memory) -> Pass<'a> {
        let owner = Owner::of(cluster);
        let stores = &context.stores;
        let lease = named(&stores.leases, &owner.name, &owner.namespace);
        let stateful_set = named(&stores.stateful_sets, &owner.name, &owner.namespace);
        let own_set =
            stateful_set.as_deref().filter(|set| owner.standing(&set.metadata) == Standing::Ours);
        let revision = own_set.and_then(decide::rollout::revision).map(str::to_owned);
        let own_set = own_set.and_then(|set| set.uid());
        let pods = stores.pods_of(&owner.name, &owner.namespace);
        let members: Vec<_> =
            pods.iter().filter(|pod| belongs_to(pod, own_set.as_deref())).cloned().collect();
        Pass {
            cordoned: stores.nodes.cordoned(&members),
            record: lease.as_ref().and_then(|lease| lease::record(lease, &owner)),
            context,
            cluster,
            owner,
            lease,
            pods,
            members,
            stateful_set,
            revision,
            handover: None,
            upgrade_waits: false,
            cluster_is_as_seen: None,
            memory,
            now: Instant::now(),
            problems: Vec::new(),
            look_again: None,
            failed: false,
        }
    }

    /// What nobody waits for: as far as it comes until the pass is outrun.
    async fn keep_all_else(&mut self) {
        if self.is_outrun() {
            return;
        }
        self.decide_move().await;
        if self.keep_longest_lease().await && !self.is_outrun() {
            self.keep_lease().await;
        }
        if !self.is_outrun() {
            self.keep_objects().await;
        }
        if !self.is_outrun() {
            self.keep_pods_up_to_date().await;
        }
        if !self.is_outrun() {
            self.keep_status().await;
        }
    }

    /// Whether the role was given up a moment ago and the next Goose comes any moment: all is left
    /// as it is until then.
    fn next_goose_is_due(&mut self) -> bool {
        let known = self.memory.interregnum;
        self.memory.interregnum = Interregnum::of(self.record.as_ref(), known, self.now);
        let ordered = self.ordered();
        let interregnum = self.memory.interregnum;
        let rest = interregnum.map(|began| began.rest(ordered.as_ref(), self.now));
        let rest = rest.filter(|rest| !rest.is_zero());
        if let Some(rest) = rest {
            self.look_again_in(rest);
        }
        rest.is_some()
    }

    /// Whether the role moved meanwhile. The next pass is waiting already, and labels are in a
    /// hurry: this one ends where it stands.
    fn is_outrun(&self) -> bool {
        let lease = named(&self.context.stores.leases, &self.owner.name, &self.owner.namespace);
        let record = lease.and_then(|lease| lease::record(&lease, &self.owner));
        let role = |record: &Option<Record>| record.as_ref().map(|r| (r.holder.clone(), r.term));
        role(&record) != role(&self.record)
    }

    /// Rule 6. Whether the status says the longest lease that may be used now.
    async fn keep_longest_lease(&mut self) -> bool {
        let (version, status) = self.memory.newest(self.cluster);
        let stands = status.as_ref().and_then(|status| status.longest_lease).map(Duration::from);
        let needed =
            longest::longest(stands, self.is_newborn(status.as_ref()), &self.leases_used());
        if stands == Some(needed) {
            return true;
        }
        let patch = json!({
            "metadata": { "uid": self.owner.uid, "resourceVersion": version.to_string() },
            "status": { "longestLease": kube::core::Duration::from(needed) },
        });
        match calls::patch_status(&self.context.client, self.cluster, &patch).await {
            Ok(answer) => self.memory.wrote_status(&answer),
            Err(failure) => {
                self.note(failure);
                return false;
            }
        }
        true
    }

    /// A cluster that nothing was ever made for has used no lease at all.
    fn is_newborn(&self, status: Option<&DuckGooseClusterStatus>) -> bool {
        let lease = self.lease.as_ref().map(|lease| self.owner.standing(&lease.metadata));
        let set = self.stateful_set.as_ref().map(|set| self.owner.standing(&set.metadata));
        let of_its_name: Vec<Standing> = lease.into_iter().chain(set).collect();
        longest::is_newborn(self.cluster.metadata.generation, status, &of_its_name)
    }

    /// The leases that the members use now or are to use: those of the spec, of the record, and
    /// of orders that somebody may have written by hand.
    fn leases_used(&self) -> Vec<Duration> {
        let seen = self.lease.as_deref().map(lease::read);
        let ordered = seen.and_then(|seen| seen.orders.timing).map(|timing| timing.lease());
        let recorded = self.record.as_ref().map(|record| record.duration);
        let wanted = Some(self.cluster.spec.lease.duration.into());
        [wanted, recorded, ordered].into_iter().flatten().collect()
    }

    /// Rules 5 and 6: the election's keeper decides, on the newest version seen.
    async fn keep_lease(&mut self) {
        let settings = &self.cluster.spec.lease;
        let timing = match Timing::new(settings.duration.into(), settings.renewal.into()) {
            Ok(timing) => timing,
            Err(error) => {
                let message = format!("spec.lease cannot be followed: {error}");
                return self
                    .problems
                    .push(Problem { reason: reconciled::LEASE_NOT_POSSIBLE, message });
            }
        };
        if self.lease.is_none() {
            self.lease = self.find_unlabelled_lease().await;
        }
        let orders = Orders {
            timing: Some(timing),
            successors: succession::successors(&self.line()),
            handover: self.handover.clone(),
            paused: self.cluster.spec.paused,
            fenced: self.rules().barred(&self.members),
        };
        let step = lease::step(lease::Situation {
            owner: &self.owner,
            lease: self.lease.as_deref(),
            orders: &orders,
            longest: self.longest_lease(),
            strangers: &self.strangers(),
            orders_wait: self.orders_wait(&orders, timing.renewal()),
        });
        let holds = match &step {
            lease::Step::Replace { quarantine: Some(_), .. } => {
                self.knows_the_longest_lease().await
            }
            // None is made for a cluster that is gone, which a watch may tell late.
            lease::Step::Create(_) | lease::Step::Recreate { .. } => {
                let as_seen = self.cluster_is_as_seen_now().await;
                as_seen.map_err(|failure| self.note(failure)).is_ok_and(|as_seen| as_seen)
            }
            _ => true,
        };
        if holds {
            self.carry_out(step).await;
        }
    }

    /// For how long these orders must wait: a hand-over is ordered at any time, all else once per
    /// `renewal`.
    fn orders_wait(&self, orders: &Orders, renewal: Duration) -> Duration {
        let given = self.lease.as_deref().map(lease::read).map(|seen| seen.orders.handover);
        if given.is_some_and(|given| given != orders.handover) {
            return Duration::ZERO;
        }
        self.memory.orders_wait(renewal, self.now)
    }

    /// Rule 6: the status that is known may be older than the Lease, and not tell yet of a longer
    /// lease that another replica has ordered. So it is read afresh before each quarantine, which
    /// is rare. Whether what was decided on still holds.
    async fn knows_the_longest_lease(&mut self) -> bool {
        let known = self.longest_lease();
        match self.read_cluster().await {
            Ok(Some(found)) => self.memory.wrote_status(&found),
            Ok(None) => return false,
            Err(failure) => {
                self.note(failure);
                return false;
            }
        }
        let still = self.longest_lease() <= known;
        if !still {
            self.look_again_in(FIRST_LOOK);
        }
        still
    }

    /// The longest lease as it stands in the status.
    fn longest_lease(&self) -> Duration {
        let (_, status) = self.memory.newest(self.cluster);
        let longest = status.and_then(|status| status.longest_lease);
        longest.map_or(election::timing::LONGEST_LEASE, Duration::from)
    }

    /// A Lease that somebody made by hand has no label, and no watch tells of it.
    async fn find_unlabelled_lease(&mut self) -> Option<Arc<Lease>> {
        let like = Lease { metadata: self.owner.metadata(&self.owner.name), spec: None };
        let found = calls::find(&self.context.client, &like).await;
        found.map_err(|failure| self.note(failure)).ok().flatten().map(Arc::new)
    }

    /// Names of the pods with the cluster's label that are not of its own StatefulSet.
    fn strangers(&self) -> Vec<String> {
        let is_member =
            |pod: &Arc<Pod>| self.members.iter().any(|member| member.uid() == pod.uid());
        let strangers = self.pods.iter().filter(|pod| !is_member(pod));
        strangers.map(|pod| pod.name_any()).collect()
    }

    async fn carry_out(&mut self, step: lease::Step) {
        let client = &self.context.client;
        let written = match step {
            lease::Step::Nothing => return,
            lease::Step::Later(wait) => return self.look_again_in(wait),
            lease::Step::Blocked(problem) => {
                // A Lease without the label may go without a word.
                self.look_again_in(PERMISSION_RETRY);
                return self.problems.push(problem);
            }
            lease::Step::Create(lease) => calls::create_lease(client, &lease).await.map(|_| None),
            lease::Step::Recreate { old, new } => match calls::delete_lease(client, &old).await {
                Ok(()) => calls::create_lease(client, &new).await.map(|_| None),
                Err(failure) => Err(failure),
            },
            lease::Step::Replace { lease, quarantine } => {
                self.memory.ordered = Some(self.now);
                calls::replace_lease(client, &lease).await.map(|_| quarantine)
            }
        };
        match written {
            Ok(None) => (),
            Ok(Some(why)) => {
                tracing::info!(cluster = self.owner.name, namespace = self.owner.namespace, ?why,
                    wait = ?self.longest_lease(), "the Lease is quarantined");
            }
            Err(failure) => self.note(failure),
        }
    }

    /// Rule 12: for how long this run may not yet write over what an earlier run wrote, whose last
    /// write may be on its way.
    fn quiet(&self) -> Duration {
        self.context.quiet_until.saturating_duration_since(Instant::now())
    }

    fn look_again_in(&mut self, wait: Duration) {
        self.look_again = Some(self.look_again.map_or(wait, |other| other.min(wait)));
    }

    /// Notes a failure: when to try again, and whether people must know.
    fn note(&mut self, failure: CallFailed) {
        let slower = 1 << self.memory.failures.min(12);
        self.failed = true;
        match failure.treatment {
            Treatment::LookAgain | Treatment::Gone => {
                self.look_again_in((FIRST_LOOK * slower).min(LAST_LOOK));
            }
            Treatment::Again => self.look_again_in((FIRST_RETRY * slower).min(LAST_RETRY)),
            Treatment::After(wait) => {
                self.memory.left_alone_until = Some(self.now + wait);
                self.look_again_in(wait);
            }
            Treatment::Forbidden => self.look_again_in(PERMISSION_RETRY),
            Treatment::Refused => self.look_again_in(REFUSAL_RETRY),
            Treatment::GoingAway => (),
        }
        let (cluster, namespace) = (&self.owner.name, &self.owner.namespace);
        match failure.treatment {
            // Everyday life of a controller.
            Treatment::LookAgain | Treatment::GoingAway => {
                tracing::debug!(cluster, namespace, %failure)
            }
            _ => tracing::warn!(cluster, namespace, %failure),
        }
        self.problems.extend(Problem::from_failure(&failure));
    }

    fn action(&mut self) -> Action {
        self.memory.failures = if self.failed { self.memory.failures + 1 } else { 0 };
        self.look_again.map_or_else(Action::await_change, Action::requeue)
    }
}

/// Whether a write that failed so may be applied yet: what was not answered, or with an error of
/// the server's own.
fn may_still_arrive(failure: &CallFailed) -> bool {
    matches!(failure.treatment, Treatment::Again | Treatment::After(_))
}

/// A conflict means that news is on its way, a few milliseconds behind.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LAST_LOOK: Duration = Duration::from_secs(5);

const FIRST_RETRY: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// A permission may be granted at any time, and nothing tells of it.
const PERMISSION_RETRY: Duration = Duration::from_secs(30);

/// Quotas and admission policies change without telling.
const REFUSAL_RETRY: Duration = Duration::from_secs(300);
