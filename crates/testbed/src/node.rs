//! Faults of one node.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

use crate::component::Component;
use crate::error::Error;
use crate::full;
use crate::full::Packets;
use crate::netns;
use crate::plan::{FIRST_SERVICE_ADDRESS, NodeSite, Plan};

/// A node of a full cluster.
#[derive(Clone, Debug)]
pub struct Node {
    plan: Plan,
    node: NodeSite,
}

impl Node {
    pub(crate) fn new(plan: &Plan, node: NodeSite) -> Self {
        Self { plan: plan.clone(), node }
    }

    /// Its name in Kubernetes: `n1`, `n2` …
    pub fn name(&self) -> &str {
        &self.node.site.name
    }

    /// Its address on the cluster's bridge.
    pub fn address(&self) -> Ipv4Addr {
        self.node.site.address
    }

    /// Cuts it off: nothing goes in or out, and nobody is told. Its pods reach each other.
    ///
    /// # Errors
    /// Where `ip` fails.
    pub fn cut(&self) -> Result<(), Error> {
        full::cut(&self.node.site)
    }

    /// Connects it again.
    ///
    /// # Errors
    /// Where `ip` fails.
    pub fn heal(&self) -> Result<(), Error> {
        full::heal(&self.node.site)
    }

    /// Drops packets that cross the node, without a word to anybody: connections stay open.
    ///
    /// # Errors
    /// Where `iptables` fails.
    pub fn drop_packets(&self, packets: Packets) -> Result<(), Error> {
        full::drop_packets(&self.node.site, packets)
    }

    /// Lets them pass again.
    ///
    /// # Errors
    /// Where `iptables` fails, or they were not dropped.
    pub fn pass_packets(&self, packets: Packets) -> Result<(), Error> {
        full::pass_packets(&self.node.site, packets)
    }

    /// Whether its pods find the API server behind its Service: that is kube-proxy's work, which learns
    /// some time after a start of the API server that it is there again. Blocks for half a second at
    /// most.
    pub fn finds_apiserver(&self) -> bool {
        let connect = || TcpStream::connect_timeout(&APISERVER_SERVICE, PATIENCE).is_ok();
        self.inside(connect).unwrap_or(false)
    }

    /// Runs `work` on a thread that is inside the node's network, and waits for it: the way to
    /// ask a pod of a node that is cut off. A socket that it opens stays inside.
    ///
    /// # Errors
    /// Where the namespace cannot be entered.
    ///
    /// # Panics
    /// Where `work` does.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let namespace = &self.node.site.namespace;
        netns::inside(namespace, work).map_err(Error::file(&netns::path(namespace)))
    }

    /// Its kubelet.
    pub fn kubelet(&self) -> Component {
        self.component("kubelet")
    }

    /// Its container runtime. Containers go on without it.
    pub fn containerd(&self) -> Component {
        self.component("containerd")
    }

    /// What makes Services work on it.
    pub fn kube_proxy(&self) -> Component {
        self.component("kube-proxy")
    }

    fn component(&self, program: &str) -> Component {
        Component::new(&self.plan, format!("{}-{program}", self.name()))
    }
}

/// Of the Service `kubernetes`.
const APISERVER_SERVICE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(FIRST_SERVICE_ADDRESS, 443));

const PATIENCE: Duration = Duration::from_millis(500);
