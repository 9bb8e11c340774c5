//! `cargo xtask prepare`: what the machine must have.

use anyhow::{Context, Result};
use testbed::{Tier, prerequisites};

use crate::screen::Screen;

/// Installs what is missing where that is possible, says that nothing is missing, and what would be
/// better.
///
/// # Errors
/// Where something is still missing: each with the command that installs it.
pub async fn run(tier: Tier, screen: &Screen) -> Result<()> {
    install(tier, screen).await?;
    screen.line(format!("this machine has all that the {tier} tier needs"));
    if tier == Tier::Full {
        prerequisites::inotify_advice().into_iter().for_each(|advice| screen.line(advice));
    }
    Ok(())
}

/// Installs what is missing, if anything is.
///
/// # Errors
/// As [`run`].
pub async fn install(tier: Tier, screen: &Screen) -> Result<()> {
    let progress = screen.testbed();
    let installed = tokio::task::spawn_blocking(move || prerequisites::install(tier, &progress));
    Ok(installed.await.context("installing did not end")??)
}

/// Checks that nothing is missing, and installs nothing.
///
/// # Errors
/// As [`run`].
pub fn require(tier: Tier) -> Result<()> {
    Ok(prerequisites::require(tier)?)
}
