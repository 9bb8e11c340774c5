//! Whom to observe.

use std::path::PathBuf;

use testbed::Cluster;

use crate::way::{FindWay, Way};

/// The members of one cluster.
#[derive(Clone)]
pub struct Scope {
    /// The kubeconfig; where it is usually found when absent.
    pub kubeconfig: Option<PathBuf>,
    /// The context of it; the current one when absent.
    pub context: Option<String>,
    /// Namespace of the cluster.
    pub namespace: String,
    /// Name of the cluster.
    pub cluster: String,
    /// How to get to a pod.
    pub find_way: FindWay,
}

impl Scope {
    /// A cluster on the full tier of the testbed: each pod is asked from inside its node.
    pub fn of_testbed(testbed: &Cluster, namespace: &str, cluster: &str) -> Self {
        Self::with_ways(testbed, namespace, cluster, Way::by_node(testbed.nodes()))
    }

    /// A cluster on the testbed, with another way to its pods.
    pub fn with_ways(testbed: &Cluster, namespace: &str, cluster: &str, find_way: FindWay) -> Self {
        Self {
            kubeconfig: Some(testbed.kubeconfig()),
            context: None,
            namespace: namespace.to_owned(),
            cluster: cluster.to_owned(),
            find_way,
        }
    }
}
