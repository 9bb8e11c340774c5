//! Whose election is put to the test.

use std::time::Duration;

use anyhow::{Context, Result};
use api::DuckGooseCluster;
use bench::contender::{Contender, Kind};
use bench::pods;
use kube::api::PostParams;
use kube::{Api, Client};
use observer::{Goose, Observer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fault::{Fault, Realm};

/// Whose election is put to the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cast {
    /// Ours: a `DuckGooseCluster`, with whatever sidecar the operator gives it.
    #[default]
    Ours,
    /// client-go's, as the benchmark has it: a sidecar in a StatefulSet.
    ClientGo,
}

impl Cast {
    /// The name of the Lease, and the one by which the observer finds the pods.
    pub fn name(self, lease: Duration) -> String {
        match self {
            Self::Ours => POND.to_owned(),
            Self::ClientGo => client_go(lease).slug(),
        }
    }

    /// Makes so many members in this namespace.
    ///
    /// # Errors
    /// Where the API server refuses something.
    pub(crate) async fn enter(
        self,
        client: &Client,
        namespace: &str,
        members: usize,
        lease: Duration,
    ) -> Result<()> {
        if self == Self::ClientGo {
            return pods::make_peer(client, namespace, client_go(lease), members).await;
        }
        let ponds: Api<DuckGooseCluster> = Api::namespaced(client.clone(), namespace);
        let pond = serde_json::from_value(pond(members, lease))?;
        ponds.create(&PostParams::default(), &pond).await.context("wanted to make the cluster")?;
        Ok(())
    }

    /// Waits until so many members are ready and one of them is Goose: of ours in word and label, of
    /// others in word, since nobody labels them.
    ///
    /// # Errors
    /// Where that does not come to be in time.
    pub(crate) async fn at_rest(
        self,
        observer: &Observer,
        members: usize,
        within: Duration,
    ) -> Result<Option<Goose>, observer::Error> {
        if self.keeps_our_rules() {
            return observer.settled(members, within).await;
        }
        let wanted = format!("{members} ready pods, one of them Goose in word");
        let at_rest = |seen: &observer::Seen| pods::at_rest_by_word(seen, members);
        observer.until(&wanted, within, at_rest).await.map(Some)
    }

    /// Whether it has our terms, our record on the Lease and our labels, by which it can be judged. Of
    /// others only the answers count: whether two members said at one time that they lead.
    pub fn keeps_our_rules(self) -> bool {
        self == Self::Ours
    }

    /// Whether this can be done to it: others have no operator, no record, and nobody to wish from.
    pub fn bears(self, fault: Fault) -> bool {
        self == Self::Ours || matches!(fault.realm(), Realm::Process | Realm::Network)
    }
}

fn client_go(lease: Duration) -> Contender {
    Contender { kind: Kind::ClientGo, lease }
}

fn pond(members: usize, lease: Duration) -> Value {
    json!({
        "apiVersion": "duckduckgoose.dev/v1alpha1",
        "kind": "DuckGooseCluster",
        "metadata": { "name": POND },
        "spec": {
            "replicas": members,
            "lease": {
                "duration": format!("{}ms", lease.as_millis()),
                "renewal": format!("{}ms", lease.as_millis() / 3),
            },
            "template": { "spec": {
                "topologySpreadConstraints": [{
                    "topologyKey": "kubernetes.io/hostname",
                    "maxSkew": 1,
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": { "matchLabels": { api::names::CLUSTER_LABEL: POND } },
                }],
                "containers": [{
                    "name": "app",
                    "image": "busybox:stable",
                    "command": ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 3600 & wait; done"],
                    "resources": { "requests": { "cpu": "5m", "memory": "8Mi" } },
                }],
            } },
        },
    })
}

/// Name of our cluster.
pub(crate) const POND: &str = "pond";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_bear_what_is_done_to_processes_and_networks_alone() {
        assert!(Cast::ClientGo.bears(Fault::NodeCut) && Cast::ClientGo.bears(Fault::Frozen));
        for of_ours in [Fault::LeaseDeleted, Fault::OperatorAbsent, Fault::HandOvers] {
            assert!(Cast::Ours.bears(of_ours) && !Cast::ClientGo.bears(of_ours), "{of_ours}");
        }
    }
}
