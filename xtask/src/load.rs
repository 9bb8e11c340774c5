//! `cargo xtask load`: the sidecar's HTTP under load, and with a crowd of bad clients.
//!
//! Beside it, on the same core and by turns, runs a bare axum that says hello. What is asserted is no
//! absolute time, for machines are shared: which share of bare axum's answers the sidecar gives, what
//! memory it takes, that it closes who is idle or slow, that its renewals are in time. Times are
//! printed beside those of bare axum.

mod bad_clients;
mod members;
mod observe;
mod requests;
mod wrk;

use anyhow::{Result, ensure};
use bench::machine;
use testbed::Tier;

use self::members::Members;
use crate::cli::LoadOptions;
use crate::clients::is_in_path;
use crate::prepare;
use crate::screen::Screen;
use crate::up;

/// Measures, prints it, and says what is not as it should be.
///
/// # Errors
/// Where something does not start, or a bound is not kept.
pub async fn run(options: LoadOptions, screen: &Screen) -> Result<()> {
    require()?;
    prepare::install(Tier::Light, screen).await?;
    members::build().await?;
    let cluster = up::start(CLUSTER, true, screen).await?;
    let measured = measure(&cluster, &options, screen).await;
    cluster.down().await?;
    let wrongs = measured?;
    ensure!(wrongs.is_empty(), "under load: {}", wrongs.join("; "));
    Ok(())
}

/// Checks that the machine has the program that makes the load.
///
/// # Errors
/// Where it has not: says what to do.
pub fn require() -> Result<()> {
    ensure!(is_in_path("wrk"), "wanted wrk, which makes the load, found none: apt-get install wrk");
    Ok(())
}

async fn measure(
    cluster: &testbed::Cluster,
    options: &LoadOptions,
    screen: &Screen,
) -> Result<Vec<String>> {
    members::let_others_go_first(cluster)?;
    let members = Members::start(cluster).await?;
    screen.line(format!("{}; load {} before", machine::describe(), machine::load()));
    let (requests, seen) =
        observe::during(&members.sidecar, requests::measure(&members, options, screen)).await?;
    screen.line(format!("\n{}\n", requests.table()));
    screen.line(format!("meanwhile: {seen}\n"));
    let mut wrongs = requests.wrongs();
    wrongs.extend(seen.wrongs());

    let (crowd, seen) =
        observe::during(&members.sidecar, bad_clients::measure(&members, screen)).await?;
    screen.line(format!("{crowd}\nmeanwhile: {seen}"));
    wrongs.extend(crowd.wrongs());
    wrongs.extend(seen.wrongs());
    screen.line(format!("load {} after", machine::load()));
    Ok(wrongs)
}

const CLUSTER: &str = "load";
