//! The cluster's network: a bridge in the host's namespace, a namespace for the control plane and
//! for each node, a virtual cable from each to the bridge, and no way out.

use std::fs;

use crate::error::Error;
use crate::plan::{Plan, Site};
use crate::tool::{run, run_line};

/// Makes all of it.
pub(super) fn lay(plan: &Plan) -> Result<(), Error> {
    make_bridge(plan)?;
    let control_plane = plan.control_plane();
    make_namespace(plan, &control_plane)?;
    let nodes = plan.node_sites();
    for node in &nodes {
        make_namespace(plan, &node.site)?;
    }
    for node in &nodes {
        let route = format!("{} via {}", node.pods, node.site.address);
        run_line(&format!("ip route replace {route}"))?;
        run_line(&format!("ip -n {} route replace {route}", control_plane.namespace))?;
        for other in nodes.iter().filter(|other| other.site.name != node.site.name) {
            run_line(&format!("ip -n {} route replace {route}", other.site.namespace))?;
        }
    }
    Ok(())
}

/// Takes all of it away, also when only some of it is there.
pub(super) fn remove(plan: &Plan) {
    // What is not there cannot be removed: these fail then, and what is left is looked for later.
    let sites = std::iter::once(plan.control_plane())
        .chain(plan.node_sites().into_iter().map(|node| node.site));
    for site in sites {
        // The host's side first: the other one goes with it, whoever still holds the namespace.
        let _ = run_line(&format!("ip link del {}", site.namespace));
        let _ = run_line(&format!("ip netns del {}", site.namespace));
    }
    let _ = run_line(&format!("ip link del {}", plan.bridge()));
    for rule in fence(plan) {
        let _ = run("iptables", &[&["-w", "-D", "FORWARD"], &words(&rule)[..]].concat());
    }
}

/// Names of the cluster's interfaces and namespaces that are still there.
pub(super) fn left(plan: &Plan) -> Vec<String> {
    let ours =
        |name: &String| *name == plan.bridge() || name.starts_with(&format!("{}-", plan.bridge()));
    let names = |folder: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>()
    };
    names("/sys/class/net").into_iter().chain(names("/run/netns")).filter(ours).collect()
}

/// Pulls the plug of a namespace's cable.
pub(crate) fn cut(site: &Site) -> Result<(), Error> {
    run_line(&format!("ip link set {} down", site.namespace)).map(drop)
}

/// Puts it back.
pub(crate) fn heal(site: &Site) -> Result<(), Error> {
    run_line(&format!("ip link set {} up", site.namespace)).map(drop)
}

fn make_bridge(plan: &Plan) -> Result<(), Error> {
    let bridge = plan.bridge();
    run_line(&format!("ip link add {bridge} type bridge"))?;
    run_line(&format!("ip addr add {}/24 dev {bridge}", plan.host_address()))?;
    run_line(&format!("ip link set {bridge} up"))?;
    for rule in fence(plan) {
        run("iptables", &[&["-w", "-I", "FORWARD"], &words(&rule)[..]].concat())?;
    }
    Ok(())
}

fn make_namespace(plan: &Plan, site: &Site) -> Result<(), Error> {
    let Site { namespace, address, .. } = site;
    run_line(&format!("ip netns add {namespace}"))?;
    run_line(&format!("ip link add {namespace} type veth peer name eth0 netns {namespace}"))?;
    run_line(&format!("ip link set {namespace} master {} up", plan.bridge()))?;
    run_line(&format!("ip -n {namespace} link set lo up"))?;
    run_line(&format!("ip -n {namespace} link set eth0 up"))?;
    run_line(&format!("ip -n {namespace} addr add {address}/24 dev eth0"))?;
    // ClusterIPs need a route before kube-proxy's rules see them. Nothing answers beyond the bridge.
    run_line(&format!("ip -n {namespace} route add default via {}", plan.host_address()))?;
    let forwarding = || fs::write("/proc/sys/net/ipv4/ip_forward", "1");
    let path = crate::netns::path(namespace);
    crate::netns::inside(namespace, forwarding).and_then(|done| done).map_err(Error::file(&path))
}

/// Rules of the FORWARD chain: nothing goes from the bridge to anything else, or back. Frames
/// inside the bridge pass also where a container engine has set the chain's policy to DROP.
fn fence(plan: &Plan) -> [String; 3] {
    let bridge = plan.bridge();
    [
        format!("-i {bridge} ! -o {bridge} -j REJECT"),
        format!("! -i {bridge} -o {bridge} -j REJECT"),
        format!("-i {bridge} -o {bridge} -j ACCEPT"),
    ]
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
