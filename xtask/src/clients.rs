//! kubectl and helm, pointed at one cluster: what a person would type, is run.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use testbed::programs::{self, Program};
use testbed::{Cluster, Release};
use tokio::process::Command;

use crate::command::{command, output};
use crate::screen::Screen;

/// kubectl and helm.
#[derive(Clone, Debug)]
pub struct Clients {
    kubectl: PathBuf,
    helm: PathBuf,
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
}

impl Clients {
    /// Those of the testbed, for a cluster of the testbed. Helm is built where it never was.
    ///
    /// # Errors
    /// Where helm cannot be built.
    pub async fn of_own_cluster(cluster: &Cluster, screen: &Screen) -> Result<Self> {
        Ok(Self {
            kubectl: cluster.program("kubectl"),
            helm: built(Program::Helm, "helm", screen).await?,
            kubeconfig: Some(cluster.kubeconfig()),
            context: None,
        })
    }

    /// kubectl alone, for a light cluster, on which nothing is installed by helm.
    pub fn of_light_cluster(cluster: &Cluster) -> Self {
        let helm = PathBuf::from("helm");
        Self {
            kubectl: cluster.program("kubectl"),
            helm,
            kubeconfig: Some(cluster.kubeconfig()),
            context: None,
        }
    }

    /// The person's own, or else those of the testbed, for a cluster that exists.
    ///
    /// # Errors
    /// Where one is not in `PATH` and cannot be built.
    pub async fn of_existing_cluster(
        kubeconfig: Option<PathBuf>,
        context: Option<String>,
        screen: &Screen,
    ) -> Result<Self> {
        let kubectl =
            own_or_built("kubectl", Program::Kubernetes(Release::Current), screen).await?;
        let helm = own_or_built("helm", Program::Helm, screen).await?;
        Ok(Self { kubectl, helm, kubeconfig, context })
    }

    /// Runs kubectl, and returns what it wrote.
    ///
    /// # Errors
    /// Where it fails, with its own words.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        output(self.pointed(&self.kubectl, "--context", arguments)).await
    }

    /// Runs helm, and returns what it wrote.
    ///
    /// # Errors
    /// Where it fails, with its own words.
    pub async fn helm(&self, arguments: &[&str]) -> Result<String> {
        output(self.pointed(&self.helm, "--kube-context", arguments)).await
    }

    fn pointed(&self, program: &Path, context_flag: &str, arguments: &[&str]) -> Command {
        let mut command = command(program);
        command.args(arguments);
        if let Some(context) = &self.context {
            command.args([context_flag, context]);
        }
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command
    }
}

/// Whether the person has a program of this name.
pub fn is_in_path(name: &str) -> bool {
    find(name).is_some()
}

fn find(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

async fn own_or_built(name: &'static str, program: Program, screen: &Screen) -> Result<PathBuf> {
    match find(name) {
        Some(path) => Ok(path),
        None => built(program, name, screen).await,
    }
}

/// A program of the testbed's cache, built where it is not there yet.
///
/// # Errors
/// Where the build fails.
pub async fn built(program: Program, name: &'static str, screen: &Screen) -> Result<PathBuf> {
    let progress = screen.testbed();
    let programs = tokio::task::spawn_blocking(move || programs::ensure(&[program], &progress));
    Ok(programs.await??.path(name))
}
