//! The cluster that all tests of a tier attach to, with the operator on it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::{OnceLock, RwLock};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use api::DuckGooseCluster;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use testbed::{Cluster, Tier};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::eventually::eventually;
use crate::operator::Operator;

/// The cluster and who may use it when.
pub struct Theatre {
    /// How much of Kubernetes the tests need.
    pub tier: Tier,
    /// Whoever disturbs the nodes or the API server holds it alone.
    pub turns: RwLock<()>,
    cluster: OnceLock<Result<Cluster, String>>,
    /// On the light tier, where it is a process of this machine.
    operator: Mutex<Option<Operator>>,
}

impl Theatre {
    /// Nothing is attached to before the first test asks for it.
    pub fn new(tier: Tier) -> Self {
        Self { tier, turns: RwLock::new(()), cluster: OnceLock::new(), operator: Mutex::default() }
    }

    /// The cluster.
    ///
    /// # Errors
    /// Where none runs: says how to start one.
    pub fn cluster(&self) -> Result<&Cluster> {
        let found =
            self.cluster.get_or_init(|| attach(self.tier).map_err(|error| format!("{error:#}")));
        found.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// The cluster, if any test has attached to it.
    pub fn attached(&self) -> Option<&Cluster> {
        self.cluster.get()?.as_ref().ok()
    }

    /// Sees to it that an operator works on the cluster. On the full tier the chart has installed
    /// it.
    ///
    /// # Errors
    /// On the light tier, where it does not start.
    pub async fn raise_operator(&self) -> Result<()> {
        if self.tier == Tier::Full {
            return Ok(());
        }
        let cluster = self.cluster()?;
        // Held until it has started: two tests begin at once, and one operator is enough.
        let mut operator = self.operator.lock().await;
        if !operator.as_mut().is_some_and(Operator::runs) {
            define(cluster).await?;
            *operator = Some(Operator::start(&cluster.kubeconfig(), OPERATOR_LOG, &[])?);
        }
        Ok(())
    }

    /// Ends what was started.
    pub fn close(&self) {
        drop(self.operator.blocking_lock().take());
    }

    /// The last lines that the operator wrote about a namespace.
    pub async fn operator_log(&self, namespace: &str) -> Result<String> {
        let log = match self.tier {
            Tier::Light => fs::read_to_string(left_behind().join(OPERATOR_LOG))?,
            Tier::Full => {
                let words = ["-n", OPERATOR_NAMESPACE, "logs", OPERATOR, "--tail=2000"];
                kubectl(self.cluster()?, &words).await?
            }
        };
        let lines: Vec<_> = log.lines().filter(|line| line.contains(namespace)).collect();
        Ok(lines[lines.len().saturating_sub(30)..].join("\n"))
    }
}

/// Runs kubectl as the administrator of the cluster, and returns what it wrote.
///
/// # Errors
/// Where it fails, with what it wrote to its standard error.
pub async fn kubectl(cluster: &Cluster, words: &[&str]) -> Result<String> {
    run(&cluster.program("kubectl"), words, cluster).await
}

/// Runs helm likewise, from the root of the checkout.
///
/// # Errors
/// Where it fails.
pub async fn helm(cluster: &Cluster, words: &[&str]) -> Result<String> {
    let program = testbed::programs::Program::Helm;
    let programs = testbed::programs::ensure(&[program], &testbed::Progress::stderr())?;
    run(&programs.path("helm"), words, cluster).await
}

async fn run(program: &Path, words: &[&str], cluster: &Cluster) -> Result<String> {
    let output = command(program, words, cluster).output().await;
    let output = output.with_context(|| format!("wanted to run {}", program.display()))?;
    let name = program.file_name().unwrap_or_default().display();
    ensure!(
        output.status.success(),
        "{name} {}: {}",
        words.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// A program that acts as the administrator of the cluster, and ends when it is dropped.
pub(crate) fn command(program: &Path, words: &[&str], cluster: &Cluster) -> Command {
    let mut command = Command::new(program);
    command.args(words).env("KUBECONFIG", cluster.kubeconfig()).current_dir(checkout());
    command.env("KUBECACHEDIR", kubectl_cache());
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Of this run alone: kubectl believes for hours what an earlier cluster at the same address served.
pub(crate) fn kubectl_cache() -> PathBuf {
    left_behind().join(format!("kubectl-cache-{}", process::id()))
}

/// A program of this checkout that was built along with the tests.
///
/// # Errors
/// Where it was not.
pub fn built(binary: &str, package: &str) -> Result<PathBuf> {
    let test = env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("wanted the target folder")?;
    let program = folder.join(binary);
    if !program.is_file() {
        bail!("wanted {}, found none: run cargo build --package {package}", program.display());
    }
    Ok(program)
}

/// Where files go that a person may want to look at after a failure.
pub fn left_behind() -> PathBuf {
    checkout().join("target/left-by-tests")
}

pub(crate) fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is in the checkout").into()
}

fn attach(tier: Tier) -> Result<Cluster> {
    let name = env::var(CLUSTER_VARIABLE).unwrap_or_else(|_| default_name(tier).to_owned());
    let up = match tier {
        Tier::Light => format!("cargo xtask up --name {name} --light"),
        Tier::Full => format!("cargo xtask up --name {name} --install"),
    };
    let cluster = Cluster::attach(&name).with_context(|| format!("run {up}"))?;
    ensure!(
        cluster.tier() == tier,
        "wanted the {tier} tier, found {} on the {} one",
        name,
        cluster.tier()
    );
    Ok(cluster)
}

/// Defines the custom resource on the cluster, and waits until it is served.
///
/// # Errors
/// Where that is refused.
pub async fn define(cluster: &Cluster) -> Result<()> {
    let crd = api::crd::crd();
    let name = crd.metadata.name.clone().context("wanted the definition to have a name")?;
    let client = cluster.client().await?;
    let crds: Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        Api::all(client.clone());
    let apply = PatchParams::apply("duckduckgoose-tests").force();
    crds.patch(&name, &apply, &Patch::Apply(crd)).await?;
    // The API server serves a new resource a little after it has accepted its definition.
    let clusters: Api<DuckGooseCluster> = Api::all(client);
    eventually("the API server to serve DuckGooseClusters", SERVED, async || {
        Ok(clusters.list(&ListParams::default()).await.map(drop)?)
    })
    .await
}

fn default_name(tier: Tier) -> &'static str {
    match tier {
        Tier::Light => "ddg-light",
        Tier::Full => "ddg-full",
    }
}

const OPERATOR_LOG: &str = "operator.log";

const SERVED: Duration = Duration::from_secs(30);

/// Set by `cargo xtask test`.
const CLUSTER_VARIABLE: &str = "DUCKGOOSE_TEST_CLUSTER";

/// Where `cargo xtask` installs the chart, and what it calls the release.
pub const OPERATOR_NAMESPACE: &str = "duckduckgoose-system";

/// By which the operator's replicas elect the one that works.
pub const OPERATOR_LEASE: &str = "operator.duckduckgoose.dev";

/// The release, and the operator's Deployment.
pub const RELEASE: &str = "duckduckgoose";

/// Value of the chart: the tests' own faults (Leases deleted, copied and edited) are not refused. `cargo xtask up
/// --install` sets it, too.
pub const FAULTS_ARE_LET_PASS: &str = "admission.trusted.groups={system:masters}";

const OPERATOR: &str = "deployment/duckduckgoose";
