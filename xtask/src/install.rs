//! The product on a cluster: the chart, by helm.

use anyhow::{Context, Result};
use testbed::Cluster;

use crate::checkout;
use crate::clients::Clients;
use crate::generated::{NAMESPACE, RELEASE};
use crate::image::{Built, Part};
use crate::screen::Screen;

/// Loads the images into a cluster of the testbed and installs the chart.
///
/// # Errors
/// Where an image cannot be loaded, or the operator is not ready in time.
pub async fn on_own_cluster(
    cluster: &Cluster,
    images: &[Built],
    screen: &Screen,
) -> Result<Clients> {
    let clients = Clients::of_own_cluster(cluster, screen).await?;
    load(cluster, images, screen).await?;
    chart(&clients, &[FAULTS_ARE_LET_PASS.to_owned()], screen).await?;
    Ok(clients)
}

async fn load(cluster: &Cluster, images: &[Built], screen: &Screen) -> Result<()> {
    let _busy = screen.busy("loading the images into every node");
    for image in images {
        cluster
            .load_image(&image.archive)
            .await
            .with_context(|| format!("loading {}", image.part.repository()))?;
    }
    Ok(())
}

/// Installs or upgrades the chart with these values, and waits until the operator is ready.
///
/// # Errors
/// Where helm fails: with its words and how the operator's pods are.
pub async fn chart(clients: &Clients, settings: &[String], screen: &Screen) -> Result<()> {
    let _busy = screen.busy("helm upgrade --install duckduckgoose charts/duckduckgoose");
    let mut arguments = vec!["upgrade", "--install", RELEASE, "charts/duckduckgoose"];
    arguments.extend([
        "--namespace",
        NAMESPACE,
        "--create-namespace",
        "--wait",
        "--timeout",
        HELM_PATIENCE,
    ]);
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    match clients.helm(&arguments).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let pods = clients
                .kubectl(&["--namespace", NAMESPACE, "get", "pods,events"])
                .await
                .unwrap_or_default();
            Err(error
                .context(format!("the operator is not ready; in {NAMESPACE} there is:\n{pods}")))
        }
    }
}

/// Restarts the operator, so that it runs the image that was loaded last under the same tag.
///
/// # Errors
/// Where kubectl fails.
pub async fn restart_operator(clients: &Clients) -> Result<()> {
    let operator = format!("deployment/{RELEASE}");
    clients.kubectl(&["--namespace", NAMESPACE, "rollout", "restart", &operator]).await?;
    clients
        .kubectl(&[
            "--namespace",
            NAMESPACE,
            "rollout",
            "status",
            &operator,
            "--timeout",
            HELM_PATIENCE,
        ])
        .await?;
    Ok(())
}

/// Values of the chart that take both images from a registry, at this version.
pub fn images_of(registry: &str) -> Vec<String> {
    let registry = registry.trim_end_matches('/');
    let settings =
        [("operator", Part::Operator), ("sidecar", Part::Sidecar)].map(|(value, part)| {
            let repository = part.repository();
            let name = repository.rsplit('/').next().unwrap_or(&repository);
            [
                format!("{value}.image.repository={registry}/{name}"),
                format!("{value}.image.tag={}", checkout::VERSION),
            ]
        });
    settings.into_iter().flatten().collect()
}

/// What tests and the demo do to Leases as administrators is not refused; members and the operator are
/// held to the policies.
pub const FAULTS_ARE_LET_PASS: &str = "admission.trusted.groups={system:masters}";

/// On a small machine that builds something else meanwhile.
const HELM_PATIENCE: &str = "2m";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_replaces_the_repository_of_both_images() {
        let settings = images_of("registry.example/team/");
        assert!(
            settings
                .contains(&"operator.image.repository=registry.example/team/operator".to_owned())
        );
        assert!(
            settings.contains(&"sidecar.image.repository=registry.example/team/sidecar".to_owned())
        );
        assert_eq!(settings.len(), 4);
    }
}
