//! How to get to a member.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use api::names::SIDECAR_PORT;
use k8s_openapi::api::core::v1::Pod;
use testbed::Node;

/// The way to a member's sidecar.
#[derive(Clone, Debug)]
pub enum Way {
    /// From inside the network of the pod's own node: open also while the node is cut off.
    Inside(Node, SocketAddr),
    /// Straight ahead.
    Direct(SocketAddr),
    /// By the API server, into a cluster that this machine has no route into.
    Proxy,
}

/// Finds the way to a pod, once it has one.
pub type FindWay = Arc<dyn Fn(&Pod) -> Option<Way> + Send + Sync>;

impl Way {
    /// From inside the pod's node, which is one of these.
    pub fn by_node(nodes: Vec<Node>) -> FindWay {
        Arc::new(move |pod| {
            let node = pod.spec.as_ref()?.node_name.as_deref()?;
            let node = nodes.iter().find(|candidate| candidate.name() == node)?;
            Some(Self::Inside(node.clone(), address(pod)?))
        })
    }

    /// How long to wait between two questions: 200 a second, but for the ones that each cost the
    /// API server a connection.
    pub(crate) fn pace(&self) -> Duration {
        match self {
            Self::Inside(..) | Self::Direct(_) => Duration::from_millis(5),
            Self::Proxy => Duration::from_millis(100),
        }
    }

    /// Whether it leads to the same place.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.address() == other.address()
    }

    /// The address that it ends at, where it is known.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Inside(_, address) | Self::Direct(address) => Some(*address),
            Self::Proxy => None,
        }
    }
}

fn address(pod: &Pod) -> Option<SocketAddr> {
    let address: IpAddr = pod.status.as_ref()?.pod_ip.as_deref()?.parse().ok()?;
    Some(SocketAddr::new(address, SIDECAR_PORT))
}
