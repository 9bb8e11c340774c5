//! The nodes' programs.

use std::path::Path;
use std::time::Duration;

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::ListParams;

use super::node_files;
use crate::error::Error;
use crate::kubeconfig;
use crate::plan::{NodeSite, Plan};
use crate::process::{Invocation, Process};
use crate::programs::Programs;
use crate::tool;
use crate::wait;

/// Writes the nodes' files, starts their container runtimes and waits for them.
pub(super) async fn start_containerds(plan: &Plan, programs: &Programs) -> Result<(), Error> {
    let nodes = plan.node_sites();
    for node in &nodes {
        node_files::write(plan, node, programs)?;
        let config = plan.node_folder(&node.site.name).join(node_files::CONTAINERD);
        start(
            plan,
            programs,
            node,
            "containerd",
            vec!["--config".to_owned(), config.display().to_string()],
        )?;
    }
    try_join_all(nodes.iter().map(|node| containerd_ready(plan, programs, node))).await?;
    Ok(())
}

/// Imports an image archive into every node.
pub(crate) async fn load_image(
    plan: &Plan,
    programs: &Programs,
    archive: &Path,
) -> Result<(), Error> {
    try_join_all(plan.node_sites().iter().map(|node| {
        let arguments = ["images", "import", &archive.display().to_string()].map(str::to_owned);
        ctr(plan, programs, node, arguments.to_vec())
    }))
    .await?;
    Ok(())
}

pub(super) fn start_kubelets(plan: &Plan, programs: &Programs) -> Result<(), Error> {
    for node in plan.node_sites() {
        let name = &node.site.name;
        let folder = plan.node_folder(name);
        let flags = vec![
            format!("--config={}", folder.join(node_files::KUBELET).display()),
            format!("--kubeconfig={}", plan.kubeconfig(name).display()),
            format!("--root-dir={}", folder.join("kubelet").display()),
            format!("--hostname-override={name}"),
            format!("--node-ip={}", node.site.address),
        ];
        start(plan, programs, &node, "kubelet", flags)?;
    }
    Ok(())
}

pub(super) fn start_proxies(plan: &Plan, programs: &Programs) -> Result<(), Error> {
    for node in plan.node_sites() {
        let flags = vec![
            format!("--kubeconfig={}", plan.kubeconfig("proxy").display()),
            format!("--hostname-override={}", node.site.name),
            "--proxy-mode=iptables".to_owned(),
            // The limit is the host's, not to be changed from a namespace.
            "--conntrack-max-per-core=0".to_owned(),
            format!("--cluster-cidr={}", plan.pod_range()),
        ];
        start(plan, programs, &node, "kube-proxy", flags)?;
    }
    Ok(())
}

/// Waits until every node says that it is ready.
pub(super) async fn ready(plan: &Plan) -> Result<(), Error> {
    let client = kubeconfig::client(&plan.kubeconfig("admin")).await?;
    let nodes: Api<Node> = Api::all(client);
    let wanted: Vec<_> = plan.node_sites().into_iter().map(|node| node.site.name).collect();
    let ready = wait::until("nodes ready", NODES_PATIENCE, None, || async {
        let list = nodes.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        let ready: Vec<_> = list
            .items
            .iter()
            .filter(|node| is_ready(node))
            .filter_map(|node| node.metadata.name.as_ref())
            .collect();
        match wanted.iter().find(|name| !ready.contains(name)) {
            None => Ok(()),
            Some(missing) => Err(missing.clone()),
        }
    });
    ready.await.map_err(|error| match error {
        // It is that node's kubelet that knows why.
        Error::Timeout { found: node, .. } if wanted.contains(&node) => {
            Process::new(plan, format!("{node}-kubelet"))
                .failure(format!("is not ready after {} s", NODES_PATIENCE.as_secs()))
        }
        other => other,
    })
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn start(
    plan: &Plan,
    programs: &Programs,
    node: &NodeSite,
    program: &str,
    arguments: Vec<String>,
) -> Result<(), Error> {
    Process::new(plan, format!("{}-{program}", node.site.name)).start(Invocation {
        program: programs.path(program),
        arguments,
        namespace: Some(node.site.namespace.clone()),
        environment: Vec::new(),
    })
}

async fn containerd_ready(plan: &Plan, programs: &Programs, node: &NodeSite) -> Result<(), Error> {
    let process = Process::new(plan, format!("{}-containerd", node.site.name));
    let socket = plan.containerd_socket(&node.site.name);
    wait::until("answer", Duration::from_secs(60), Some(&process), || async {
        if !socket.exists() {
            return Err("no socket".to_owned());
        }
        // It answers only after its plugins are loaded.
        ctr(plan, programs, node, vec!["version".to_owned()])
            .await
            .map_err(|error| error.to_string())
    })
    .await
}

/// Runs `ctr` against a node's containerd, in the kubelet's containerd namespace.
async fn ctr(
    plan: &Plan,
    programs: &Programs,
    node: &NodeSite,
    arguments: Vec<String>,
) -> Result<(), Error> {
    let program = programs.path("ctr");
    let socket = plan.containerd_socket(&node.site.name).display().to_string();
    let common = ["--address", &socket, "--namespace", "k8s.io"].map(str::to_owned);
    let arguments: Vec<_> = common.into_iter().chain(arguments).collect();
    let run = tokio::task::spawn_blocking(move || tool::run(program, &arguments));
    run.await.expect("running a command does not panic").map(drop)
}

/// Registration takes some 5 s.
const NODES_PATIENCE: Duration = Duration::from_secs(120);
