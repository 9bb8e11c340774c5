//! What a full cluster leaves behind when its programs have ended, and its removal.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::mount::{UnmountFlags, unmount};

use super::{cgroups, network};
use crate::identity::Identity;
use crate::mounts;
use crate::plan::Plan;

/// Containers' processes: they outlive their shims.
pub(crate) fn processes(plan: &Plan) -> Vec<Identity> {
    let groups = container_cgroups(plan).into_iter();
    let processes = groups.flat_map(|group| {
        // A frozen one would not end. One that cannot be thawed is found left.
        let _ = cgroups::thaw(&group);
        cgroups::processes(&group)
    });
    processes.collect()
}

/// Removes mounts, sockets, namespaces, interfaces, rules, cgroups and links, and names what
/// could not be removed. The processes must have ended.
pub(crate) fn remove(plan: &Plan) -> Vec<String> {
    remove_shim_sockets(plan);
    unmount_below(&plan.folder);
    network::remove(plan);
    remove_cgroups(plan);
    remove_log_links(plan);

    let mounts = mounts::all()
        .into_iter()
        .map(|mount| mount.point)
        .filter(|point| point.starts_with(&plan.folder));
    let groups = container_cgroups(plan).into_iter().flat_map(|group| cgroups::left(&group));
    let paths = mounts.chain(groups).map(|path| path.display().to_string());
    paths.chain(network::left(plan)).collect()
}

/// containerd keeps its shims' sockets in one folder for the whole machine, under names that are
/// hashes; each container's bundle says which is its own.
fn remove_shim_sockets(plan: &Plan) {
    for node in plan.node_sites() {
        for bundle in super::bundles(plan, &node.site.name) {
            let Ok(text) = fs::read(bundle.join("bootstrap.json")) else { continue };
            let bootstrap: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
            let address =
                bootstrap["address"].as_str().and_then(|address| address.strip_prefix("unix://"));
            if let Some(socket) = address {
                let _ = fs::remove_file(socket);
            }
        }
    }
}

/// Lazily: a namespace or a file that is still open somewhere must not keep them.
fn unmount_below(folder: &Path) {
    for mount in mounts::all().iter().rev().filter(|mount| mount.point.starts_with(folder)) {
        let _ = unmount(&mount.point, UnmountFlags::DETACH);
    }
}

/// A cgroup is busy for a moment after its last process has ended.
fn remove_cgroups(plan: &Plan) {
    let until = Instant::now() + Duration::from_secs(5);
    for group in container_cgroups(plan) {
        cgroups::remove(&group);
        while !cgroups::left(&group).is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
            cgroups::remove(&group);
        }
    }
    cgroups::remove_parent();
}

/// Of every container that the runtimes knew when they ended.
fn container_cgroups(plan: &Plan) -> Vec<String> {
    let nodes = plan.node_sites().into_iter();
    let bundles = nodes.flat_map(|node| super::bundles(plan, &node.site.name));
    let ids = bundles.filter_map(|bundle| Some(bundle.file_name()?.to_str()?.to_owned()));
    ids.map(|id| cgroups::of_container(&id)).collect()
}

/// The kubelet links its pods' logs into a folder whose path is fixed.
fn remove_log_links(plan: &Plan) {
    for entry in fs::read_dir("/var/log/containers").into_iter().flatten().flatten() {
        if fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(&plan.folder)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
