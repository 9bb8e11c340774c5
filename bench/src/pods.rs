//! Three members of one contender, as pods on a cluster with nodes.

use std::time::Duration;

use anyhow::{Context, Result};
use api::DuckGooseCluster;
use api::names::SIDECAR_CONTAINER;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::PostParams;
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use observer::{Goose, Member, Observer, Scope, Seen};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use testbed::{Cluster, Container};

use crate::at_once::only_goose;
use crate::contender::Contender;
use crate::group::NAMESPACE;
use crate::manifests;

/// The pods of one contender.
pub struct Pods<'a> {
    /// Whose they are.
    pub contender: Contender,
    cluster: &'a Cluster,
}

impl<'a> Pods<'a> {
    /// Makes them. Who leads among them shows later.
    ///
    /// # Errors
    /// Where the API server refuses something.
    pub async fn make(cluster: &'a Cluster, contender: Contender) -> Result<Self> {
        let client = cluster.client().await?;
        if contender.is_ours() {
            let ours = manifests::our_cluster(contender);
            create::<DuckGooseCluster>(&client, NAMESPACE, ours).await?;
        } else {
            make_peer(&client, NAMESPACE, contender, MEMBERS).await?;
        }
        Ok(Self { contender, cluster })
    }

    /// Begins to ask all of them, also from inside their nodes, and waits until each is ready and answers, and
    /// exactly one is Goose.
    ///
    /// # Errors
    /// Where that does not come to be.
    pub async fn observe(&self) -> Result<(Observer, Goose)> {
        let scope = Scope::of_testbed(self.cluster, NAMESPACE, &self.contender.slug());
        let observer = Observer::start(scope).await?;
        let wanted = format!("three ready pods of {}, one of them alone Goose", self.contender);
        let goose =
            observer.until(&wanted, self.patience(), |seen| at_rest_by_word(seen, MEMBERS)).await?;
        Ok((observer, goose))
    }

    /// The sidecar of a pod.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn sidecar(&self, pod: &str) -> Result<Container> {
        let containers = self.cluster.pod(NAMESPACE, pod)?.containers();
        let sidecar = containers.into_iter().find(|one| one.name == SIDECAR_CONTAINER);
        sidecar.with_context(|| format!("wanted the sidecar of {pod} running, found none"))
    }

    /// The cluster that they are on.
    pub fn cluster(&self) -> &Cluster {
        self.cluster
    }

    /// Longer than any of them takes to have another leader, and pods to start, on a busy machine.
    pub fn patience(&self) -> Duration {
        self.contender.lease * 3 + Duration::from_secs(120)
    }
}

/// Makes so many pods of an election that is not ours, and what they need, in this namespace.
///
/// # Errors
/// Where the API server refuses something.
pub async fn make_peer(
    client: &Client,
    namespace: &str,
    contender: Contender,
    members: usize,
) -> Result<()> {
    create::<ServiceAccount>(client, namespace, manifests::account(contender)).await?;
    create::<Role>(client, namespace, manifests::role(contender)).await?;
    create::<RoleBinding>(client, namespace, manifests::binding(contender)).await?;
    create::<StatefulSet>(client, namespace, manifests::stateful_set(contender, members)).await
}

/// The Goose, where so many pods are ready and answer, and exactly one of them says that it is.
pub fn at_rest_by_word(seen: &Seen, members: usize) -> Option<Goose> {
    let all = seen.members();
    let is_well = |one: &&Member| one.ready && !one.leaving && seen.heard(one).is_some();
    only_goose(seen).filter(|_| all.iter().all(is_well) && all.len() == members)
}

async fn create<Kind>(client: &Client, namespace: &str, object: Value) -> Result<()>
where
    Kind: Resource<Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + Serialize
        + DeserializeOwned,
    Kind::DynamicType: Default,
{
    let api: Api<Kind> = Api::namespaced(client.clone(), namespace);
    let name = object["metadata"]["name"].to_string();
    let kind = Kind::kind(&Default::default()).into_owned();
    let made = api.create(&PostParams::default(), &serde_json::from_value(object)?).await;
    made.map(drop).with_context(|| format!("making the {kind} {name}"))
}

/// As many as most people run.
const MEMBERS: usize = 3;
