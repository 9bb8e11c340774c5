//! Bring-up of the full tier.

mod cgroups;
mod firewall;
mod leftovers;
mod network;
mod node_files;
mod nodes;

use std::fs;
use std::path::PathBuf;

pub(crate) use self::cgroups::{
    freeze as freeze_cgroup, limit_cpu, of_container as container_cgroup, thaw as thaw_cgroup,
};
pub use self::firewall::Packets;
pub(crate) use self::firewall::{drop_packets, pass_packets};
pub(crate) use self::leftovers::{processes as container_processes, remove as remove_leftovers};
pub(crate) use self::network::{cut, heal};
pub(crate) use self::nodes::load_image;
use crate::control_plane;
use crate::error::Error;
use crate::etcd;
use crate::images;
use crate::kubeconfig;
use crate::pki;
use crate::plan::Plan;
use crate::programs::Programs;
use crate::steps::Steps;

pub(crate) async fn bring_up(
    plan: &Plan,
    programs: &Programs,
    images: &[PathBuf],
    steps: &Steps,
) -> Result<(), Error> {
    steps.run("make keys and certificates", async { pki::make(plan) }).await?;
    steps.run("write kubeconfigs", async { kubeconfig::write_all(plan) }).await?;
    steps.run("lay the network", async { network::lay(plan) }).await?;
    // The nodes' runtimes need no control plane, and it takes its time.
    tokio::try_join!(
        bring_up_control_plane(plan, programs, steps),
        prepare_nodes(plan, programs, images, steps)
    )?;
    steps.run("start the kubelets", async { nodes::start_kubelets(plan, programs) }).await?;
    steps.run("start the kube-proxies", async { nodes::start_proxies(plan, programs) }).await?;
    steps.run("wait for the nodes", nodes::ready(plan)).await?;
    steps
        .run("wait for the first service account", control_plane::service_accounts_ready(plan))
        .await
}

async fn bring_up_control_plane(
    plan: &Plan,
    programs: &Programs,
    steps: &Steps,
) -> Result<(), Error> {
    steps.run("start etcd", async { etcd::start(plan, programs) }).await?;
    steps.run("start the API server", control_plane::start_apiserver(plan, programs)).await?;
    steps
        .run("start the controller manager", async {
            control_plane::start_controller_manager(plan, programs)
        })
        .await?;
    steps.run("start the scheduler", async { control_plane::start_scheduler(plan, programs) }).await
}

async fn prepare_nodes(
    plan: &Plan,
    programs: &Programs,
    images: &[PathBuf],
    steps: &Steps,
) -> Result<(), Error> {
    steps.run("start containerd on each node", nodes::start_containerds(plan, programs)).await?;
    let own =
        steps.run("build the pause and busybox images", async { images::build(plan) }).await?;
    for archive in own.iter().chain(images) {
        let name = archive.file_stem().unwrap_or_default().to_string_lossy();
        steps.run(&format!("load the image {name}"), load_image(plan, programs, archive)).await?;
    }
    Ok(())
}

/// The folders in which containerd keeps the containers that run on a node: each has the
/// container's `config.json` and the id of its main process, `init.pid`.
pub(crate) fn bundles(plan: &Plan, node: &str) -> Vec<PathBuf> {
    let folder = plan.node_folder(node).join("run/io.containerd.runtime.v2.task/k8s.io");
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
