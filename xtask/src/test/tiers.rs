//! The tests on the two tiers of the testbed.

use anyhow::Result;
use testbed::Cluster;

use super::cargo_test;
use super::report::{Outcome, Report};
use crate::command::{cargo, run, run_heard};
use crate::image;
use crate::install;
use crate::post_mortem;
use crate::screen::Screen;
use crate::up;

/// The testbed's own tests without root, then the product's on a light cluster.
///
/// # Errors
/// Where a step fails.
pub async fn light(filter: Option<&str>, report: &Report<'_>, screen: &Screen) -> Result<()> {
    report
        .step("testbed, light tier", testbed_tests(&["light", "pretend"], filter, report))
        .await?;
    report.step("sidecar and operator", build_programs()).await?;
    let tests = async {
        let cluster = TestCluster::start(LIGHT, true, screen).await?;
        let result = product_tests("light", &cluster, filter, report).await;
        cluster.end(result).await
    };
    report.step("light tier", tests).await
}

/// The testbed's own tests as root, then the product's on a full cluster with the chart in it.
///
/// # Errors
/// Where a step fails.
pub async fn full(filter: Option<&str>, report: &Report<'_>, screen: &Screen) -> Result<()> {
    report.step("testbed, full tier", testbed_tests(&["full"], filter, report)).await?;
    let tests = async {
        let images = image::build(screen).await?;
        let cluster = TestCluster::start(FULL, false, screen).await?;
        let result = async {
            let clients = install::on_own_cluster(&cluster.cluster, &images, screen).await?;
            if !cluster.ours {
                install::restart_operator(&clients).await?;
            }
            let result = product_tests("full", &cluster, filter, report).await;
            if result.is_err() {
                post_mortem::tell(&clients, screen).await;
            }
            result
        };
        let result = result.await;
        cluster.end(result).await
    };
    report.step("full tier", tests).await
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
    async fn start(name: &str, light: bool, screen: &Screen) -> Result<Self> {
        if let Ok(cluster) = Cluster::attach(name) {
            screen.line(format!("using the cluster {name}, which runs already, and leaving it up"));
            return Ok(Self { cluster, ours: false });
        }
        Ok(Self { cluster: up::start(name, light, screen).await?, ours: true })
    }

    async fn end(self, result: Result<()>) -> Result<Outcome> {
        if self.ours {
            self.cluster.down().await?;
        }
        result.map(|()| Outcome::Passed)
    }
}

/// Those in these files of crates/testbed/tests.
async fn testbed_tests(
    files: &[&str],
    filter: Option<&str>,
    report: &Report<'_>,
) -> Result<Outcome> {
    let mut arguments = vec!["test", "--package", "duckduckgoose-testbed"];
    arguments.extend(files.iter().flat_map(|file| ["--test", file]));
    cargo_test(&arguments, filter, report).await?;
    Ok(Outcome::Passed)
}

/// On the light tier both run as processes of this machine.
async fn build_programs() -> Result<Outcome> {
    run(cargo(&[
        "build",
        "--package",
        "duckduckgoose-sidecar",
        "--package",
        "duckduckgoose-operator",
    ]))
    .await?;
    Ok(Outcome::Passed)
}

async fn product_tests(
    tier: &str,
    cluster: &TestCluster,
    filter: Option<&str>,
    report: &Report<'_>,
) -> Result<()> {
    let mut test = cargo(&["test", "--package", "duckduckgoose-tests", "--test", tier, "--"]);
    test.args(filter).env(CLUSTER_VARIABLE, cluster.cluster.name());
    run_heard(test, |line| report.hear(line)).await
}

/// Tells the tests which cluster to attach to.
const CLUSTER_VARIABLE: &str = "DUCKGOOSE_TEST_CLUSTER";

const LIGHT: &str = "ddg-light";
const FULL: &str = "ddg-full";
