//! The tests on the two tiers of the testbed.

use anyhow::{Result, ensure};
use testbed::{Cluster, Options, Release};

use super::report::{Outcome, Report};
use super::rights;
use crate::chaos;
use crate::command::{cargo, run, run_heard};
use crate::image::{self, Built, bill};
use crate::install;
use crate::post_mortem;
use crate::screen::Screen;
use crate::up;

/// The testbed's own tests without root, and the product's on a light cluster. The operator is killed
/// at some of its writes, or at every one.
///
/// # Errors
/// Where a step fails.
pub async fn light(
    filter: Option<&str>,
    every_write: bool,
    report: &Report<'_>,
    screen: &Screen,
) -> Result<()> {
    report.step("sidecar and operator", build_programs()).await?;
    let tests = async {
        let cluster = TestCluster::start(up::kind(LIGHT, true), screen).await?;
        let result = tests(&["light", "pretend"], &cluster, filter, every_write, report).await;
        cluster.end(result).await
    };
    report.step("light tier", tests).await
}

/// The testbed's own tests as root, and the product's on a full cluster of this Kubernetes with the
/// chart in it.
///
/// # Errors
/// Where a step fails.
pub async fn full(
    kubernetes: Release,
    filter: Option<&str>,
    report: &Report<'_>,
    screen: &Screen,
) -> Result<()> {
    let mut images = Vec::new();
    let build = async {
        images = image::build(screen).await?;
        Ok(Outcome::Passed)
    };
    report.step("images", build).await?;
    if filter.is_none() {
        report.step("bills of materials", bills(&images)).await?;
    }
    let (step, name) = match kubernetes {
        Release::Current => ("full tier", FULL),
        Release::Oldest => ("full tier, oldest Kubernetes", FULL_OLDEST),
    };
    let tests = async {
        let kind = Options { kubernetes, ..up::kind(name, false) };
        let cluster = TestCluster::start(kind, screen).await?;
        let result = tests_with_the_chart(&cluster, &images, filter, report, screen).await;
        cluster.end(result).await
    };
    report.step(step, tests).await
}

async fn tests_with_the_chart(
    cluster: &TestCluster,
    images: &[Built],
    filter: Option<&str>,
    report: &Report<'_>,
    screen: &Screen,
) -> Result<()> {
    let clients = install::on_own_cluster(&cluster.cluster, images, screen).await?;
    if !cluster.ours {
        install::restart_operator(&clients).await?;
    }
    let mut result = tests(&["full"], cluster, filter, false, report).await;
    if result.is_ok() && filter.is_none() {
        result = chaos::short(&cluster.cluster, &clients, screen).await;
    }
    if result.is_ok() && filter.is_none() && cluster.ours {
        result = rights::replay(&cluster.cluster, &clients, screen).await;
    }
    if result.is_err() {
        post_mortem::tell(&clients, screen).await;
    }
    result
}

/// A cluster for tests to attach to.
struct TestCluster {
    cluster: Cluster,
    /// It was started here, and ends here.
    ours: bool,
}

impl TestCluster {
    /// The one that runs under this name already, which makes a second run of the tests quick, or
    /// else a new one.
    async fn start(kind: Options, screen: &Screen) -> Result<Self> {
        let wanted = kind.kubernetes.version();
        let this = match Cluster::attach(&kind.name) {
            Ok(cluster) => {
                let name = cluster.name();
                screen.line(format!(
                    "using the cluster {name}, which runs already, and leaving it up"
                ));
                Self { cluster, ours: false }
            }
            Err(_) => Self { cluster: up::start_with(kind, screen).await?, ours: true },
        };
        let found = this.cluster.client().await?.apiserver_version().await?.git_version;
        ensure!(found == wanted, "wanted to test on Kubernetes {wanted}, found {found}");
        Ok(this)
    }

    async fn end(self, result: Result<()>) -> Result<Outcome> {
        if self.ours {
            self.cluster.down().await?;
        }
        result.map(|()| Outcome::Passed)
    }
}

async fn bills(images: &[Built]) -> Result<Outcome> {
    if !bill::is_possible().await {
        return Ok(Outcome::LeftOut(bill::HOW_TO.into()));
    }
    bill::write(images).await?;
    Ok(Outcome::Passed)
}

/// On the light tier both run as processes of this machine.
async fn build_programs() -> Result<Outcome> {
    run(cargo(&["build", "--workspace", "--bins"])).await?;
    Ok(Outcome::Passed)
}

/// The tests of these names, in whichever package: choosing packages would build what they depend on
/// once more, with other features.
async fn tests(
    names: &[&str],
    cluster: &TestCluster,
    filter: Option<&str>,
    every_write: bool,
    report: &Report<'_>,
) -> Result<()> {
    let mut arguments = vec!["test", "--workspace"];
    arguments.extend(names.iter().flat_map(|name| ["--test", name]));
    let mut test = cargo(&arguments);
    test.arg("--").args(filter).env(CLUSTER_VARIABLE, cluster.cluster.name());
    if every_write {
        test.env(EVERY_WRITE_VARIABLE, "all");
    }
    run_heard(test, |line| report.hear(line)).await
}

/// Tells the tests which cluster to attach to.
const CLUSTER_VARIABLE: &str = "DUCKGOOSE_TEST_CLUSTER";

/// Tells the tests to kill the operator at each of its writes.
const EVERY_WRITE_VARIABLE: &str = "EVERY_WRITE";

const LIGHT: &str = "ddg-light";
const FULL: &str = "ddg-full";
const FULL_OLDEST: &str = "ddg-full-oldest";
