//! Volumes for a test: folders of the nodes, as local PersistentVolumes of a StorageClass of its own.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::Stage;

/// Volumes that pods may claim. The folders go when this is dropped; what the API server has of them
/// belongs to the test's namespace, and the garbage collector takes it after that.
pub struct Volumes {
    class: String,
    _folder: TempDir,
}

impl Volumes {
    /// So many on each node.
    ///
    /// # Errors
    /// Where a folder or an object cannot be made.
    pub async fn on_each_node(stage: &Stage, number: usize) -> Result<Self> {
        let cluster = stage.cluster();
        let kubeconfig = cluster.kubeconfig();
        let state = kubeconfig.parent().context("wanted the cluster's own folder")?;
        let folder = tempfile::tempdir_in(state)?;
        let namespaces: Api<Namespace> = Api::all(stage.client.clone());
        let owner = json!([{
            "apiVersion": "v1",
            "kind": "Namespace",
            "name": stage.namespace,
            "uid": namespaces.get(&stage.namespace).await?.uid(),
        }]);
        let class = stage.namespace.clone();
        let classes: Api<StorageClass> = Api::all(stage.client.clone());
        let made = json!({
            "metadata": { "name": class, "ownerReferences": owner },
            "provisioner": "kubernetes.io/no-provisioner",
            // The scheduler knows which node a volume is on.
            "volumeBindingMode": "WaitForFirstConsumer",
        });
        classes.create(&PostParams::default(), &serde_json::from_value(made)?).await?;
        let volumes: Api<PersistentVolume> = Api::all(stage.client.clone());
        for node in cluster.nodes() {
            for count in 0..number {
                let name = format!("{class}-{}-{count}", node.name());
                let path = folder.path().join(&name);
                std::fs::create_dir(&path)?;
                let volume = json!({
                    "metadata": { "name": name, "ownerReferences": owner },
                    "spec": {
                        "storageClassName": class,
                        "capacity": { "storage": SIZE },
                        "accessModes": ["ReadWriteOnce"],
                        "persistentVolumeReclaimPolicy": "Retain",
                        "local": { "path": path },
                        "nodeAffinity": only_on(node.name()),
                    },
                });
                volumes.create(&PostParams::default(), &serde_json::from_value(volume)?).await?;
            }
        }
        Ok(Self { class, _folder: folder })
    }

    /// `spec.volumeClaimTemplates` with one volume by this name.
    pub fn claims(&self, name: &str) -> Value {
        json!([{
            "metadata": { "name": name },
            "spec": {
                "storageClassName": self.class,
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": SIZE } },
            },
        }])
    }
}

fn only_on(node: &str) -> Value {
    let named = json!({ "key": "kubernetes.io/hostname", "operator": "In", "values": [node] });
    json!({ "required": { "nodeSelectorTerms": [{ "matchExpressions": [named] }] } })
}

/// Nobody measures a folder.
const SIZE: &str = "1Mi";
