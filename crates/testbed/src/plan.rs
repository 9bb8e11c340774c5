//! What a cluster is called and which addresses it has: all derived from its index, so that
//! two clusters on one machine never meet.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::programs::{Program, Release};

/// How much of Kubernetes there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// etcd, kube-apiserver and kube-controller-manager as plain processes on loopback. Needs no
    /// root; no pod ever runs by itself (see [`crate::PretendKubelet`]).
    Light,
    /// All of it: nodes with containerd, kubelet and kube-proxy, each in a network namespace of
    /// its own. Needs root.
    Full,
}

impl Tier {
    /// The programs that a cluster of this tier runs, with this release of Kubernetes.
    pub fn programs(self, kubernetes: Release) -> Vec<Program> {
        let kubernetes = Program::Kubernetes(kubernetes);
        match self {
            Self::Light => vec![kubernetes, Program::Etcd],
            Self::Full => vec![kubernetes, Program::Etcd, Program::Containerd, Program::Runc],
        }
    }
}

impl std::fmt::Display for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Full => "full",
        })
    }
}

/// The layout of one cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub name: String,
    pub tier: Tier,
    #[serde(default)]
    pub kubernetes: Release,
    pub nodes: u8,
    /// How many members the API server's store has.
    #[serde(default = "one")]
    pub etcd_members: u8,
    /// No two clusters of a machine have the same at one time.
    pub index: u8,
    /// Holds everything the cluster writes.
    pub folder: PathBuf,
    /// More flags for the kube-apiserver.
    pub apiserver_flags: Vec<String>,
}

/// Of a cluster that was started before there was a choice.
fn one() -> u8 {
    1
}

/// Indices that there are: the address plan has room for a hundred.
pub(crate) const INDICES: std::ops::Range<u8> = 0..100;

/// The range of Service addresses. The same in every cluster: it never leaves a node.
pub(crate) const SERVICE_RANGE: &str = "10.96.0.0/16";

/// Kubernetes gives the first of them to the API server.
pub(crate) const FIRST_SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);

impl Plan {
    /// The programs that it runs.
    pub fn programs(&self) -> Vec<Program> {
        self.tier.programs(self.kubernetes)
    }

    /// Name of the bridge between the nodes. Interface names have at most 15 characters.
    pub fn bridge(&self) -> String {
        format!("ddg{}", self.index)
    }

    /// The host's own address on the bridge.
    pub fn host_address(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 200, self.index, 1)
    }

    /// Where the control plane is.
    pub fn control_plane(&self) -> Site {
        Site {
            name: "cp".to_owned(),
            namespace: format!("ddg{}-cp", self.index),
            address: Ipv4Addr::new(10, 200, self.index, 10),
        }
    }

    /// Where node `number` (from 1) is.
    pub fn node(&self, number: u8) -> NodeSite {
        let name = format!("n{number}");
        NodeSite {
            site: Site {
                namespace: format!("ddg{}-{name}", self.index),
                address: Ipv4Addr::new(10, 200, self.index, 10 + number),
                name,
            },
            pods: format!("10.{}.{number}.0/24", self.pod_octet()),
        }
    }

    /// All nodes; none on the light tier.
    pub fn node_sites(&self) -> Vec<NodeSite> {
        match self.tier {
            Tier::Light => Vec::new(),
            Tier::Full => (1..=self.nodes).map(|number| self.node(number)).collect(),
        }
    }

    /// Range of all pods' addresses.
    pub fn pod_range(&self) -> String {
        format!("10.{}.0.0/16", self.pod_octet())
    }

    /// The URL of the API server for its clients outside the cluster.
    pub fn server(&self) -> String {
        format!("https://{}:{}", self.apiserver_address(), self.ports().apiserver)
    }

    /// The address that the API server advertises.
    pub fn apiserver_address(&self) -> IpAddr {
        match self.tier {
            Tier::Light => Ipv4Addr::LOCALHOST.into(),
            Tier::Full => self.control_plane().address.into(),
        }
    }

    /// The ports of the control plane.
    pub fn ports(&self) -> Ports {
        match self.tier {
            Tier::Full => {
                Ports { etcd: 2379, etcd_peer: 2380, apiserver: 6443, controller_manager: 10257 }
            }
            Tier::Light => {
                let first = LIGHT_PORTS + 4 * u16::from(self.index);
                Ports {
                    etcd: first,
                    etcd_peer: first + 1,
                    apiserver: first + 2,
                    controller_manager: first + 3,
                }
            }
        }
    }

    pub fn pki(&self) -> PathBuf {
        self.folder.join("pki")
    }

    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.join(format!("{user}.kubeconfig"))
    }

    pub fn audit_policy(&self) -> PathBuf {
        self.folder.join("audit-policy.yaml")
    }

    pub fn audit_log(&self) -> PathBuf {
        self.folder.join("audit.log")
    }

    pub fn node_folder(&self, node: &str) -> PathBuf {
        self.folder.join(node)
    }

    pub fn containerd_socket(&self, node: &str) -> PathBuf {
        self.node_folder(node).join(CONTAINERD_SOCKET)
    }
}

/// A network namespace with its address.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub name: String,
    /// Also the name of its host-side veth.
    pub namespace: String,
    pub address: Ipv4Addr,
}

/// A node's namespace, with the range of its pods.
#[derive(Clone, Debug)]
pub(crate) struct NodeSite {
    pub site: Site,
    pub pods: String,
}

/// TCP ports of a control plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub etcd: u16,
    pub etcd_peer: u16,
    pub apiserver: u16,
    pub controller_manager: u16,
}

impl Ports {
    pub fn all(self) -> [u16; 4] {
        [self.etcd, self.etcd_peer, self.apiserver, self.controller_manager]
    }
}

impl Plan {
    fn pod_octet(&self) -> u8 {
        100 + self.index
    }
}

/// What is wrong with a cluster's name, if anything.
///
/// It is part of paths of Unix sockets (limited to 108 bytes).
pub(crate) fn check_name(name: &str, state: &Path) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 20 || !name.chars().all(plain) {
        return Err(format!("wanted a cluster name of 1 to 20 of a-z, 0-9 and -, found {name:?}"));
    }
    let socket = state.join(name).join("n99").join(CONTAINERD_SOCKET);
    // containerd adds ".ttrpc" to its socket's path, and a zero byte ends it.
    let length = socket.as_os_str().len() + ".ttrpc".len() + 1;
    if length > 108 {
        return Err(format!(
            "wanted paths of sockets of at most 108 bytes, found {length} for {}; set DUCKGOOSE_STATE to a shorter path",
            socket.display()
        ));
    }
    Ok(())
}

/// Path of containerd's socket below a node's folder.
const CONTAINERD_SOCKET: &str = "containerd.sock";

/// First port of the light tier: below what Linux gives to outgoing connections (32768 on).
const LIGHT_PORTS: u16 = 21000;

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(index: u8) -> Plan {
        Plan {
            name: "pond".to_owned(),
            tier: Tier::Full,
            kubernetes: Release::Current,
            nodes: 3,
            etcd_members: 1,
            index,
            folder: PathBuf::from("/state/pond"),
            apiserver_flags: Vec::new(),
        }
    }

    #[test]
    fn addresses_follow_from_the_index() {
        let plan = plan(7);
        assert_eq!(plan.server(), "https://10.200.7.10:6443");
        assert_eq!(plan.node(2).site.address, Ipv4Addr::new(10, 200, 7, 12));
        assert_eq!(plan.node(2).pods, "10.107.2.0/24");
        assert_eq!(plan.pod_range(), "10.107.0.0/16");
    }

    #[test]
    fn interface_names_fit() {
        let last = plan(INDICES.end - 1);
        assert!(last.node(99).site.namespace.len() <= 15);
        assert!(last.bridge().len() <= 15);
    }

    #[test]
    fn names_are_checked() {
        let state = Path::new("/home/somebody/.local/state/duckduckgoose");
        assert!(check_name("pond-2", state).is_ok());
        assert!(check_name("Pond", state).is_err());
        assert!(check_name("../pond", state).is_err());
        assert!(check_name("", state).is_err());
        assert!(check_name("pond", Path::new(&"/long".repeat(30))).is_err());
    }
}
