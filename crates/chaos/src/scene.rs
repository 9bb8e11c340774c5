//! The cluster that is disturbed, and how to lay hands on it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use api::DuckGooseCluster;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use observer::{Goose, Observer, Scope, Seen};
use serde_json::{Value, json};
use testbed::{Cluster, Node};
use tokio::time::{sleep, timeout};

use crate::cast::{Cast, POND};
use crate::schedule::{Aim, Planned};

/// A group of members on a cluster of the testbed, under observation.
pub struct Scene<'a> {
    /// What it runs on.
    pub cluster: &'a Cluster,
    /// Whose election it is.
    pub cast: Cast,
    /// Of the administrator.
    pub client: Client,
    /// Its own.
    pub namespace: String,
    /// Asks every member, all the time.
    pub observer: Observer,
    /// `spec.lease.duration`.
    pub lease: Duration,
    /// How many pods there are at rest.
    pub members: usize,
    /// Versions of the Lease that were written here.
    by_hand: Mutex<BTreeSet<u64>>,
    /// The Lease as it was once.
    old_copy: Mutex<Option<Lease>>,
}

/// A member that something is done to.
#[derive(Clone, Debug)]
pub struct Victim {
    /// Name of its pod.
    pub pod: String,
    /// Name of its node.
    pub node: String,
    /// Of its pod.
    pub address: IpAddr,
}

impl<'a> Scene<'a> {
    /// Makes so many members in a namespace of their own, and begins to ask them.
    ///
    /// # Errors
    /// Where they are refused.
    pub async fn set(
        cluster: &'a Cluster,
        cast: Cast,
        members: usize,
        lease: Duration,
    ) -> Result<Self> {
        tend_scheduler(cluster).await?;
        let client = cluster.client().await?;
        let namespace = make_namespace(&client).await?;
        cast.enter(&client, &namespace, members, lease).await?;
        let scope = Scope::of_testbed(cluster, &namespace, &cast.name(lease));
        let observer = Observer::start(scope).await?;
        let (by_hand, old_copy) = (Mutex::default(), Mutex::default());
        Ok(Self { cluster, cast, client, namespace, observer, lease, members, by_hand, old_copy })
    }

    /// Keeps a copy of the Lease for later, as a backup would.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn keep_a_copy(&self) -> Result<()> {
        let lease = self.all::<Lease>().get(&self.cast.name(self.lease)).await;
        let lease = lease.context("wanted to copy the Lease")?;
        *self.old_copy.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
        Ok(())
    }

    /// That copy.
    ///
    /// # Errors
    /// Where there is none.
    pub fn old_copy(&self) -> Result<Lease> {
        let copy = self.old_copy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        copy.context("wanted an old copy of the Lease, found none")
    }

    /// Replaces the Goose, so that a copy of the Lease of its term is one of a term that is over: a
    /// release of the living one would be a forgery, which only the admission policy stops.
    ///
    /// # Errors
    /// Where no other becomes Goose.
    pub async fn end_the_term_of(&self, goose: &Goose) -> Result<()> {
        self.all::<Pod>().delete(&goose.pod, &DeleteParams::default()).await?;
        self.observer.goose_after(goose.term, SETTLING).await?;
        self.settle().await
    }

    /// Takes everything away again.
    ///
    /// # Errors
    /// Where the namespace cannot be deleted.
    pub async fn strike(&self) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.namespace, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Objects of one kind in its namespace.
    pub fn all<Kind>(&self) -> Api<Kind>
    where
        Kind: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        Kind::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Whom this fault hits.
    ///
    /// # Errors
    /// Where there is nobody of that kind, or it has no node yet.
    pub fn victim(&self, planned: &Planned) -> Result<Victim> {
        let aim = if planned.fault.is_aimed() { planned.aim } else { Aim::Goose };
        self.observer.look(|seen| {
            let goose = goose(seen).context("wanted a Goose to aim at, or by, found none")?;
            let ducks: Vec<_> =
                seen.members().into_iter().filter(|member| *member.pod != *goose).collect();
            let member = match aim {
                Aim::Goose => seen.member(&goose),
                Aim::Duck => ducks.get(index(planned.pick, ducks.len())).copied(),
            };
            let member = member.with_context(|| format!("wanted a {aim:?} to aim at"))?;
            let way = member.way.as_ref().and_then(observer::Way::address);
            Ok(Victim {
                pod: member.pod.to_string(),
                node: member.node.clone().context("wanted its node, found none yet")?,
                address: way.context("wanted its address, found none yet")?.ip(),
            })
        })
    }

    /// The node of a victim.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn node(&self, victim: &Victim) -> Result<Node> {
        Ok(self.cluster.node(&victim.node)?)
    }

    /// The containers of a pod, as its node knows them.
    ///
    /// # Errors
    /// Never, on the full tier.
    pub fn pod(&self, name: &str) -> Result<testbed::Pod> {
        Ok(self.cluster.pod(&self.namespace, name)?)
    }

    /// Changes what the user wants.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn wish(&self, wish: Value) -> Result<()> {
        let ponds = self.all::<DuckGooseCluster>();
        ponds.patch(POND, &PatchParams::default(), &Patch::Merge(wish)).await?;
        Ok(())
    }

    /// Notes that a version of the Lease was written here.
    pub fn note_by_hand(&self, lease: &Lease) {
        let version: Option<u64> = lease.resource_version().and_then(|text| text.parse().ok());
        self.by_hand.lock().unwrap_or_else(PoisonError::into_inner).extend(version);
    }

    /// Versions of the Lease that were written here.
    pub fn by_hand(&self) -> BTreeSet<u64> {
        self.by_hand.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the pods of every node find the API server: before that, no fault of it, or of a
    /// node, is healed for them.
    ///
    /// # Errors
    /// Where that does not come to be.
    pub async fn all_find_the_apiserver(&self) -> Result<()> {
        let found = async {
            for node in self.cluster.nodes() {
                while !self.finds_apiserver(node.clone()).await {
                    sleep(BETWEEN_LOOKS).await;
                }
            }
        };
        timeout(SETTLING, found).await.context("wanted a way to the API server from every node")
    }

    async fn finds_apiserver(&self, node: Node) -> bool {
        let look = tokio::task::spawn_blocking(move || node.finds_apiserver());
        look.await.expect("looking does not panic")
    }

    /// Waits until all members are ready, one of them is Goose, and our labels say the same. A pod
    /// whose sidecar is not restarted because it was killed too often is replaced.
    ///
    /// # Errors
    /// Where that does not come to be.
    pub async fn settle(&self) -> Result<()> {
        let tended = async {
            loop {
                tend_scheduler(self.cluster).await?;
                sleep(BETWEEN_TENDINGS).await;
            }
        };
        tokio::select! {
            settled = self.be_settled() => settled,
            failed = tended => failed,
        }
    }

    async fn be_settled(&self) -> Result<()> {
        // Who has just died was heard of a moment ago.
        sleep(UNTIL_SEEN).await;
        if self.at_rest(BEFORE_MENDING).await.is_ok() {
            return Ok(());
        }
        self.mend().await?;
        self.at_rest(SETTLING).await?;
        Ok(())
    }

    /// Waits until all members are ready and one of them is Goose. Returns that one.
    ///
    /// # Errors
    /// Where that does not come to be in time.
    pub async fn at_rest(&self, within: Duration) -> Result<Option<Goose>, observer::Error> {
        self.cast.at_rest(&self.observer, self.members, within).await
    }

    async fn mend(&self) -> Result<()> {
        let unready: Vec<_> = self.observer.look(|seen| {
            let members = seen.members().into_iter();
            members.filter(|member| !member.ready).map(|member| member.pod.to_string()).collect()
        });
        let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        for pod in unready {
            // It may have gone by itself.
            let _ = self.all::<Pod>().delete(&pod, &at_once).await;
        }
        Ok(())
    }
}

/// Name of the pod that is Goose; while there is none, of whom the Lease names.
fn goose(seen: &Seen) -> Option<String> {
    let held = || match &seen.lease()?.state {
        history::LeaseState::Held { pod, .. } => Some(pod.to_string()),
        _ => None,
    };
    seen.goose().map(|goose| goose.pod.to_string()).or_else(held)
}

/// One of so many, by a number that chance has drawn.
pub fn index(pick: u64, count: usize) -> usize {
    usize::try_from(pick % count.max(1) as u64).expect("less than a count")
}

/// A scheduler that has lost track of a pod, after the API server was away, ends itself. Where a kubelet
/// runs it, it is started again.
async fn tend_scheduler(cluster: &Cluster) -> Result<()> {
    Ok(cluster.scheduler()?.start().await?)
}

async fn make_namespace(client: &Client) -> Result<String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = serde_json::from_value(json!({ "metadata": { "generateName": "chaos-" } }))?;
    let made = namespaces.create(&PostParams::default(), &namespace).await?.name_any();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &made);
    while accounts.get("default").await.is_err() {
        sleep(Duration::from_millis(100)).await;
    }
    Ok(made)
}

const UNTIL_SEEN: Duration = Duration::from_secs(1);

const BETWEEN_TENDINGS: Duration = Duration::from_secs(2);

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Most are back by then.
const BEFORE_MENDING: Duration = Duration::from_secs(20);

const SETTLING: Duration = Duration::from_secs(120);
