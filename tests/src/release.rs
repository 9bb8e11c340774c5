//! The chart as it is installed on the cluster of the tests, with other values and back. Whoever
//! changes it is alone on the cluster.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use testbed::{Cluster, Image};

use crate::theatre::{
    FAULTS_ARE_LET_PASS, OPERATOR_NAMESPACE, RELEASE, checkout, helm, left_behind,
};

/// `helm upgrade` with this value, until the new operator is ready.
///
/// # Errors
/// Where helm fails.
pub async fn upgrade(cluster: &Cluster, value: &str) -> Result<()> {
    let words = ["upgrade", RELEASE, "charts/duckduckgoose", "--namespace", OPERATOR_NAMESPACE];
    let values = ["--set", FAULTS_ARE_LET_PASS, "--set", value];
    helm(cluster, &[&words[..], &values, &PATIENTLY].concat()).await.map(drop)
}

/// `helm rollback` to the values of before.
///
/// # Errors
/// Where helm fails.
pub async fn rollback(cluster: &Cluster) -> Result<()> {
    let words = ["rollback", RELEASE, "--namespace", OPERATOR_NAMESPACE];
    helm(cluster, &[&words[..], &PATIENTLY].concat()).await.map(drop)
}

/// Loads the sidecar's image into every node under another tag, as if it were the next version.
///
/// # Errors
/// Where the program of the image was not built, or a node does not take it.
pub async fn load_sidecar_as(cluster: &Cluster, tag: &str) -> Result<()> {
    let target = format!("target/{}-unknown-linux-gnu/image/duckgoose", std::env::consts::ARCH);
    let program = checkout().join(target);
    let missing = || format!("wanted {}: run cargo xtask image", program.display());
    ensure!(program.is_file(), missing());
    let image = Image::new(format!("docker.io/duckduckgoose/sidecar:{tag}"));
    let image = image.program("/duckgoose", &program).entrypoint(["/duckgoose"]);
    let archive: PathBuf = left_behind().join(format!("sidecar-{tag}.tar"));
    image.write(&archive).with_context(missing)?;
    Ok(cluster.load_image(&archive).await?)
}

/// Until the new operator is ready.
const PATIENTLY: [&str; 3] = ["--wait", "--timeout", "2m"];
