//! The cgroups of a cluster's containers, in version 1's many hierarchies or version 2's one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::identity::Identity;
use crate::mounts;

/// The cgroup of a container of this id.
///
/// containerd puts it there where the kubelet names no parent, which it only does with
/// `cgroupsPerQOS`. Clusters share the parent; the ids are never the same.
pub(crate) fn of_container(id: &str) -> String {
    format!("{PARENT}/{id}")
}

/// Removes the parent of all containers' cgroups, if none is left.
pub(super) fn remove_parent() {
    for folder in folders(PARENT) {
        let _ = fs::remove_dir(folder);
    }
}

/// All processes in a cgroup and below it.
pub(super) fn processes(group: &str) -> Vec<Identity> {
    let mut pids: Vec<i32> = Vec::new();
    for folder in folders(group).iter().flat_map(|folder| with_descendants(folder)) {
        let listed = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        pids.extend(listed.lines().filter_map(|line| line.parse::<i32>().ok()));
    }
    pids.sort_unstable();
    pids.dedup();
    pids.into_iter().filter_map(Identity::of).collect()
}

/// Freezes all processes in a cgroup.
pub(crate) fn freeze(group: &str) -> Result<(), Error> {
    set_frozen(group, "FROZEN", "1")
}

/// Lets them go on, those below it too.
pub(crate) fn thaw(group: &str) -> Result<(), Error> {
    set_frozen(group, "THAWED", "0")
}

/// Limits what its processes may have of one processor, in hundredths; `None` takes the limit away.
pub(crate) fn limit_cpu(group: &str, percent: Option<u32>) -> Result<(), Error> {
    let quota = percent.map(|percent| percent * PERIOD_MICROSECONDS / 100);
    let version_1 = quota.map_or("-1".to_owned(), |quota| quota.to_string());
    let version_2 = quota.map_or("max".to_owned(), |quota| quota.to_string());
    for folder in folders(group) {
        for (file, text) in [
            ("cpu.cfs_quota_us", version_1.clone()),
            ("cpu.max", format!("{version_2} {PERIOD_MICROSECONDS}")),
        ] {
            let path = folder.join(file);
            if path.exists() {
                fs::write(&path, text).map_err(Error::file(&path))?;
            }
        }
    }
    Ok(())
}

/// Removes a cgroup with all below it, as far as they are empty.
pub(super) fn remove(group: &str) {
    for folder in folders(group) {
        // The innermost come last.
        for folder in with_descendants(&folder).iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Where it is still there.
pub(super) fn left(group: &str) -> Vec<PathBuf> {
    folders(group).into_iter().filter(|folder| folder.exists()).collect()
}

fn folders(group: &str) -> Vec<PathBuf> {
    let hierarchies =
        mounts::all().into_iter().filter(|mount| mount.kind == "cgroup" || mount.kind == "cgroup2");
    let mut folders: Vec<_> =
        hierarchies.map(|mount| mount.point.join(group.trim_start_matches('/'))).collect();
    folders.sort();
    folders.dedup();
    folders
}

fn with_descendants(folder: &Path) -> Vec<PathBuf> {
    if !folder.is_dir() {
        return Vec::new();
    }
    let children = fs::read_dir(folder).into_iter().flatten().flatten();
    let children = children.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    std::iter::once(folder.to_owned())
        .chain(children.flat_map(|entry| with_descendants(&entry.path())))
        .collect()
}

/// Version 1 has one of these files, version 2 the other.
fn set_frozen(group: &str, version_1: &str, version_2: &str) -> Result<(), Error> {
    for folder in folders(group).iter().flat_map(|folder| with_descendants(folder)) {
        for (file, text) in [("freezer.state", version_1), ("cgroup.freeze", version_2)] {
            let path = folder.join(file);
            if path.exists() {
                fs::write(&path, text).map_err(Error::file(&path))?;
            }
        }
    }
    Ok(())
}

/// The kernel's default, in which a limit is counted. Its least quota, 1 ms, is one hundredth of it.
const PERIOD_MICROSECONDS: u32 = 100_000;

/// Named by containerd after the namespace in which it keeps the kubelet's containers.
const PARENT: &str = "/k8s.io";
