//! The configuration files of a node's programs.

use std::path::Path;

use serde_json::json;

use crate::error::Error;
use crate::files;
use crate::images;
use crate::plan::{NodeSite, Plan};
use crate::prerequisites;
use crate::programs::Programs;

pub(super) const CONTAINERD: &str = "containerd.toml";
pub(super) const KUBELET: &str = "kubelet.json";

/// Writes them into the node's folder.
pub(super) fn write(plan: &Plan, node: &NodeSite, programs: &Programs) -> Result<(), Error> {
    let folder = plan.node_folder(&node.site.name);
    files::write(&folder.join("cni/10-testbed.conflist"), cni(node, &folder))?;
    files::write(&folder.join(CONTAINERD), containerd(plan, node, programs))?;
    files::write(&folder.join(KUBELET), kubelet(plan, node))
}

/// Pods of a node hang on a bridge inside the node's namespace.
fn cni(node: &NodeSite, folder: &Path) -> String {
    let bridge = json!({
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": true,
        "ipMasq": false,
        "ipam": {
            "type": "host-local",
            "dataDir": folder.join("ipam"),
            "ranges": [[{ "subnet": node.pods }]],
            "routes": [{ "dst": "0.0.0.0/0" }],
        },
    });
    let portmap = json!({ "type": "portmap", "capabilities": { "portMappings": true } });
    json!({ "cniVersion": "1.0.0", "name": "testbed", "plugins": [bridge, portmap] }).to_string()
}

fn containerd(plan: &Plan, node: &NodeSite, programs: &Programs) -> String {
    let folder = plan.node_folder(&node.site.name);
    let cni = prerequisites::cni_plugins().unwrap_or_default();
    format!(
        r#"version = 3
root = '{folder}/containerd'
state = '{folder}/run'

[grpc]
  address = '{socket}'

[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = '{pause}'

[plugins.'io.containerd.cri.v1.runtime']
  # Where the machine lacks CAP_SYS_RESOURCE, every sandbox would fail.
  restrict_oom_score_adj = true
  # The pods' namespaces go where all else of the node is.
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['{cni}']
    conf_dir = '{folder}/cni'
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = '{runc}'
      SystemdCgroup = false

# Its socket would be the same for all nodes.
[plugins.'io.containerd.nri.v1.nri']
  disable = true

[plugins.'io.containerd.internal.v1.opt']
  path = '{folder}/opt'
"#,
        folder = folder.display(),
        socket = plan.containerd_socket(&node.site.name).display(),
        pause = images::PAUSE,
        cni = cni.display(),
        runc = programs.path("runc").display(),
    )
}

fn kubelet(plan: &Plan, node: &NodeSite) -> String {
    let name = &node.site.name;
    let folder = plan.node_folder(name);
    let pki = plan.pki();
    let configuration = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        // cgroup v1 is refused by default.
        "failCgroupV1": false,
        "cgroupDriver": "cgroupfs",
        // No cgroups for whole pods: the kubelet cannot make them where the machine has version 1.
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "authentication": {
            "anonymous": { "enabled": false },
            "x509": { "clientCAFile": pki.join("ca.crt") },
            "webhook": { "enabled": true },
        },
        "authorization": { "mode": "Webhook" },
        "containerRuntimeEndpoint": format!("unix://{}", plan.containerd_socket(name).display()),
        // There is no cluster DNS.
        "clusterDNS": ["10.96.0.53"],
        "clusterDomain": "cluster.local",
        "resolvConf": "/dev/null",
        "failSwapOn": false,
        "podLogsDir": folder.join("pod-logs"),
        "volumePluginDir": folder.join("volume-plugins"),
        "tlsCertFile": pki.join(format!("{name}.crt")),
        "tlsPrivateKeyFile": pki.join(format!("{name}.key")),
        // The nodes share one disk: none of them is to evict pods because it is full.
        "evictionHard": { "memory.available": "100Mi" },
        "imageGCHighThresholdPercent": 100,
    });
    serde_json::to_string_pretty(&configuration).expect("a JSON value is JSON")
}
