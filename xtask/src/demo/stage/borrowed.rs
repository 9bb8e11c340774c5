//! A cluster that somebody else has made: nothing but the API server is touched.

use std::sync::Arc;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};

use super::Left;
use crate::cli::DemoOptions;
use crate::clients::Clients;
use crate::demo::ask::Way;
use crate::demo::audience::FindWay;
use crate::demo::figures::Figures;
use crate::generated::{self, RELEASE};
use crate::image;
use crate::install;
use crate::screen::Screen;

/// Somebody's cluster, with the product installed by the demo.
pub struct Borrowed {
    pub(super) clients: Clients,
    pub(super) client: Client,
    exports: String,
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
        let client = client(options).await.context("wanted to reach the cluster")?;
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
        install::chart(&clients, registry.as_deref(), screen).await.context(
            "if its image cannot be pulled: load the images as shown above, or push them and say --registry",
        )?;
        make_namespace(&clients).await?;
        Ok(Self { clients, client, exports: exports(options), had_release })
    }

    pub(super) fn find_way(&self) -> FindWay {
        let client = self.client.clone();
        Arc::new(move |pod: &Pod| {
            pod.status.as_ref()?.pod_ip.as_ref()?;
            Some(Way::Proxy {
                client: client.clone(),
                namespace: NAMESPACE.to_owned(),
                pod: pod.name_any(),
            })
        })
    }

    pub(super) async fn kill(&self, pod: &str) -> Result<()> {
        let arguments =
            ["--namespace", NAMESPACE, "delete", "pod", pod, "--force", "--grace-period=0"];
        self.clients.kubectl(&arguments).await.map(drop)
    }

    pub(super) fn leave_up(self) -> Left {
        let release = format!("helm uninstall {RELEASE} --namespace {}", generated::NAMESPACE);
        Left {
            exports: self.exports,
            end: format!("kubectl delete namespace {NAMESPACE} && {release}"),
        }
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

async fn client(options: &DemoOptions) -> Result<Client> {
    let choice = KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let config = match &options.kubeconfig {
        Some(path) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &choice).await?,
        None => Config::from_kubeconfig(&choice).await?,
    };
    Ok(Client::try_from(config)?)
}

async fn make_namespace(clients: &Clients) -> Result<()> {
    if clients.kubectl(&["get", "namespace", NAMESPACE]).await.is_err() {
        clients.kubectl(&["create", "namespace", NAMESPACE]).await?;
    }
    Ok(())
}

fn exports(options: &DemoOptions) -> String {
    let kubeconfig =
        options.kubeconfig.as_ref().map(|path| format!("export KUBECONFIG={}\n", path.display()));
    let context =
        options.context.as_ref().map(|name| format!("kubectl config use-context {name}\n"));
    let namespace = format!("kubectl config set-context --current --namespace {NAMESPACE}\n");
    [kubeconfig, context, Some(namespace)].into_iter().flatten().collect()
}

/// The demo's own, so that it meets nothing of the owner's.
pub(super) const NAMESPACE: &str = "duckduckgoose-demo";

pub(super) const LEAVES_OUT: &str = "on a cluster that is not the demo's own no node is cut off, no process is signalled, and pods are asked \
     through the API server, ten times a second";
