//! A cluster that somebody else has made: nothing but the API server is touched.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use observer::{Scope, Way};

use super::Left;
use crate::cli::DemoOptions;
use crate::clients::Clients;
use crate::demo::CLUSTER;
use crate::demo::figures::Figures;
use crate::generated::{self, RELEASE};
use crate::image;
use crate::install;
use crate::screen::Screen;

/// Somebody's cluster, with the product installed by the demo.
pub struct Borrowed {
    pub(super) clients: Clients,
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    /// The product was there before, and stays.
    had_release: bool,
}

impl Borrowed {
    pub(super) async fn set(
        options: &DemoOptions,
        figures: &mut Figures,
        screen: &Screen,
    ) -> Result<Self> {
        let DemoOptions { kubeconfig, context, registry, .. } = options;
        let clients =
            Clients::of_existing_cluster(kubeconfig.clone(), context.clone(), screen).await?;
        let images = image::build(screen).await?;
        figures.note_images(&images);
        if registry.is_none() {
            screen.line("The cluster must have the images: load them now if it has not.");
            screen.line(image::how_to_load(&images));
        }
        let had_release =
            clients.helm(&["status", RELEASE, "--namespace", generated::NAMESPACE]).await.is_ok();
        let from = registry.as_deref().map(install::images_of).unwrap_or_default();
        install::chart(&clients, &from, screen).await.context(
            "if its image cannot be pulled: load the images as shown above, or push them and say --registry",
        )?;
        make_namespace(&clients).await?;
        Ok(Self { clients, kubeconfig: kubeconfig.clone(), context: context.clone(), had_release })
    }

    pub(super) fn scope(&self) -> Scope {
        Scope {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            namespace: NAMESPACE.to_owned(),
            cluster: CLUSTER.to_owned(),
            find_way: Arc::new(|_| Some(Way::Proxy)),
        }
    }

    pub(super) async fn kill(&self, pod: &str) -> Result<()> {
        let arguments =
            ["--namespace", NAMESPACE, "delete", "pod", pod, "--force", "--grace-period=0"];
        self.clients.kubectl(&arguments).await.map(drop)
    }

    pub(super) fn leave_up(self) -> Left {
        let release = format!("helm uninstall {RELEASE} --namespace {}", generated::NAMESPACE);
        Left {
            exports: self.exports(),
            end: format!("kubectl delete namespace {NAMESPACE} && {release}"),
        }
    }

    fn exports(&self) -> String {
        let kubeconfig = self.kubeconfig.as_ref();
        let lines = [
            kubeconfig.map(|path| format!("export KUBECONFIG={}\n", path.display())),
            self.context.as_ref().map(|name| format!("kubectl config use-context {name}\n")),
            Some(format!("kubectl config set-context --current --namespace {NAMESPACE}\n")),
        ];
        lines.into_iter().flatten().collect()
    }

    /// The definition stays: somebody may have clusters by it.
    pub(super) async fn clear(self) -> Result<()> {
        self.clients.kubectl(&["delete", "namespace", NAMESPACE]).await?;
        if !self.had_release {
            self.clients.helm(&["uninstall", RELEASE, "--namespace", generated::NAMESPACE]).await?;
        }
        Ok(())
    }
}

async fn make_namespace(clients: &Clients) -> Result<()> {
    if clients.kubectl(&["get", "namespace", NAMESPACE]).await.is_err() {
        clients.kubectl(&["create", "namespace", NAMESPACE]).await?;
    }
    Ok(())
}

/// The demo's own, so that it meets nothing of the owner's.
pub(super) const NAMESPACE: &str = "duckduckgoose-demo";

pub(super) const LEAVES_OUT: &str = "on a cluster that is not the demo's own no node is cut off, no process is signalled, and pods are asked \
     through the API server, ten times a second";
