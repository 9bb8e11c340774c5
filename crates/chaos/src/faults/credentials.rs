//! The credentials that pods have of the API server, and it of itself: renewed as those do it who run
//! a cluster. Who goes on with those that it began with is refused, or trusts nobody.

use std::time::Duration;

use anyhow::{Result, ensure};
use api::names::SIDECAR_CONTAINER;
use futures::future::try_join_all;
use k8s_openapi::api::core::v1;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use testbed::{Node, Pod};
use tokio::time::{sleep, timeout};

use super::operator;
use crate::scene::Scene;

pub(super) async fn rotate_tokens(scene: &Scene<'_>) -> Result<()> {
    let before = Credentials::of_all(scene, "token").await?;
    scene.cluster.announce_token_key().await?;
    hand_out(scene, before).await?;
    Ok(scene.cluster.change_token_key().await?)
}

pub(super) async fn rotate_authority(scene: &Scene<'_>) -> Result<()> {
    let before = Credentials::of_all(scene, "ca.crt").await?;
    scene.cluster.announce_authority().await?;
    hand_out(scene, before).await?;
    Ok(scene.cluster.change_authority().await?)
}

/// Kubelets that are started give all pods their credentials anew: nobody has to wait for an hour.
async fn hand_out(scene: &Scene<'_>, before: Vec<Credentials>) -> Result<()> {
    try_join_all(scene.cluster.nodes().iter().map(restart_kubelet)).await?;
    let renewed = async {
        while before.iter().any(Credentials::are_as_they_were) {
            sleep(BETWEEN_LOOKS).await;
        }
    };
    Ok(timeout(PATIENCE, renewed).await?)
}

async fn restart_kubelet(node: &Node) -> Result<()> {
    node.kubelet().stop().await?;
    Ok(node.kubelet().start().await?)
}

/// What a container has of its service account.
struct Credentials {
    pod: Pod,
    container: &'static str,
    file: String,
    content: Vec<u8>,
}

impl Credentials {
    /// Of all sidecars and operators that run.
    async fn of_all(scene: &Scene<'_>, file: &str) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for (namespace, container) in
            [(&*scene.namespace, SIDECAR_CONTAINER), (operator::NAMESPACE, operator::CONTAINER)]
        {
            let pods: Api<v1::Pod> = Api::namespaced(scene.client.clone(), namespace);
            for pod in pods.list(&ListParams::default()).await? {
                let pod = scene.cluster.pod(namespace, &pod.name_any())?;
                let file = format!("{FOLDER}/{file}");
                if let Ok(content) = pod.read(container, &file) {
                    all.push(Self { pod, container, file, content });
                }
            }
        }
        ensure!(!all.is_empty(), "wanted containers with credentials, found none");
        Ok(all)
    }

    /// Who has gone meanwhile, and comes back, is given new ones.
    fn are_as_they_were(&self) -> bool {
        self.pod.read(self.container, &self.file).is_ok_and(|now| now == self.content)
    }
}

/// Where every container finds them.
const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// It takes some seconds.
const PATIENCE: Duration = Duration::from_secs(60);
