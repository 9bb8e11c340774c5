//! A light cluster: API server and controller manager are real, the members' sidecars and the
//! operator are processes of this machine, and there are no nodes. Needs no root.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use api::names::operator_env;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use observer::{Scope, Way};
use testbed::{Cluster, PretendKubelet, Release, Tier};
use tokio::process::Child;

use crate::clients::Clients;
use crate::command::command;
use crate::demo::CLUSTER;
use crate::demo::figures::Figures;
use crate::image::{self, Built, Part};
use crate::prepare;
use crate::screen::Screen;
use crate::up;

/// A light cluster that was started for the demo.
pub struct Processes {
    pub(super) cluster: Cluster,
    pub(super) clients: Clients,
    kubelet: Arc<PretendKubelet>,
    /// Killed when dropped.
    _operator: Child,
}

impl Processes {
    pub(super) async fn set(figures: &mut Figures, screen: &Screen) -> Result<Self> {
        super::warn_of_long_builds(screen);
        prepare::install(Tier::Light, screen).await?;
        super::build_programs(Tier::Light.programs(Release::Current), screen).await?;
        let images = image::build(screen).await?;
        figures.note_images(&images);

        super::end_an_earlier_one(NAME, screen).await?;
        let started = Instant::now();
        let cluster = up::start(NAME, true, screen).await?;
        figures.cluster_up = Some(started.elapsed());
        let clients = Clients::of_light_cluster(&cluster);
        clients.kubectl(&["apply", "-f", DEFINITION]).await?;
        let definition = "--for=condition=Established";
        clients.kubectl(&["wait", definition, "-f", DEFINITION]).await?;
        let operator = start_operator(&cluster, program(&images, Part::Operator)?)?;
        let sidecar = program(&images, Part::Sidecar)?;
        let kubelet = PretendKubelet::start(&cluster, NAMESPACE, sidecar).await?;
        Ok(Self { cluster, clients, kubelet: Arc::new(kubelet), _operator: operator })
    }

    pub(super) fn scope(&self) -> Scope {
        let kubelet = self.kubelet.clone();
        let find_way = move |pod: &Pod| kubelet.address(&pod.name_any()).map(Way::Direct);
        Scope::with_ways(&self.cluster, NAMESPACE, CLUSTER, Arc::new(find_way))
    }

    pub(super) fn kill(&self, pod: &str) -> Result<()> {
        Ok(self.kubelet.kill(pod)?)
    }

    pub(super) fn terminate_sidecar(&self, pod: &str) -> Result<()> {
        Ok(self.kubelet.terminate(pod)?)
    }

    pub(super) async fn clear(self) -> Result<()> {
        let Self { cluster, kubelet, .. } = self;
        drop(kubelet);
        Ok(cluster.down().await?)
    }
}

/// With the administrator's rights, unlike the one that the chart installs.
fn start_operator(cluster: &Cluster, program: &Path) -> Result<Child> {
    let log = fs::canonicalize("target")?.join("demo-operator.log");
    let file = File::create(&log).with_context(|| format!("wanted to write {}", log.display()))?;
    let mut operator = command(program);
    operator
        .env("KUBECONFIG", cluster.kubeconfig())
        .env(operator_env::SIDECAR_IMAGE, Part::Sidecar.repository())
        .env(operator_env::SIDECAR_PULL_POLICY, "Never")
        .env(operator_env::WATCH_NAMESPACE, NAMESPACE)
        .args(["--listen", &free_address()?])
        .stdout(Stdio::from(file.try_clone()?))
        .stderr(Stdio::from(file));
    operator.spawn().context("wanted to start the operator")
}

fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn program(images: &[Built], part: Part) -> Result<&Path> {
    let image = images.iter().find(|image| image.part == part);
    Ok(&image.context("wanted both programs built")?.program)
}

/// Name of the cluster.
const NAME: &str = "demo-light";

const DEFINITION: &str = "manifests/crd/duckgooseclusters.yaml";

/// Where the members are.
const NAMESPACE: &str = "default";

pub(super) const LEAVES_OUT: &str = "without root there are no nodes to cut off, no containers and no helm: sidecars and operator are \
     processes of this machine, on a real API server";
