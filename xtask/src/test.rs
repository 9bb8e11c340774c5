//! `cargo xtask test`: everything that CI does, step by step.

mod report;
mod rights;
mod tiers;

use anyhow::Result;
use testbed::{Release, Tier};

use self::report::{Outcome, Report};
use crate::cli::{LoadOptions, TestOptions, tier};
use crate::command::{cargo, output, run, run_heard};
use crate::documents;
use crate::generated;
use crate::load;
use crate::prepare;
use crate::screen::Screen;

/// Runs the steps until one fails, then says how each went.
///
/// # Errors
/// Where a step fails, or the machine lacks what a tier needs.
pub async fn run_all(options: TestOptions, screen: &Screen) -> Result<()> {
    let report = Report::new(screen);
    let result = steps(&options, &report, screen).await;
    report.close(&result);
    result
}

async fn steps(options: &TestOptions, report: &Report<'_>, screen: &Screen) -> Result<()> {
    let filter = options.filter.as_deref();
    report.step("prerequisites", prerequisites(options)).await?;
    if filter.is_none() {
        report.step("format", format()).await?;
        report.step("lints", lints()).await?;
        report.step("dependencies", dependencies()).await?;
        report.step("generated files", up_to_date(screen)).await?;
        report.step("documentation", documentation()).await?;
        report.step("documents", documents(screen)).await?;
        report.step("values of the chart", values(screen)).await?;
    }
    report.step("unit tests", unit_tests(report, options)).await?;
    if options.deep && filter.is_none() {
        report.step("under load", under_load(screen)).await?;
    }
    for round in 1..=rounds(options.deep) {
        if options.deep {
            screen.line(format!("round {round} of {DEEP_ROUNDS} on the clusters"));
        }
        // Some hundred lives of a cluster: once is enough.
        let every_write = options.deep && round == 1;
        tiers::light(filter, every_write, report, screen).await?;
        match tier(options.light) {
            Tier::Full => tiers::full(options.kubernetes, filter, report, screen).await?,
            Tier::Light => report
                .left_out("full tier", "by --light: nothing was tested on nodes and containers"),
        }
    }
    if options.deep && tier(options.light) == Tier::Full {
        tiers::full(Release::Oldest, filter, report, screen).await?;
    }
    Ok(())
}

async fn prerequisites(options: &TestOptions) -> Result<Outcome> {
    prepare::require(tier(options.light)).map_err(|error| {
        let advice = "`cargo xtask prepare` installs what Debian has of it; `--light` leaves the full tier out";
        if options.light { error } else { error.context(advice) }
    })?;
    if options.deep {
        load::require()?;
    }
    Ok(Outcome::Passed)
}

async fn format() -> Result<Outcome> {
    run(cargo(&["fmt", "--all", "--check"])).await?;
    Ok(Outcome::Passed)
}

async fn lints() -> Result<Outcome> {
    run(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])).await?;
    Ok(Outcome::Passed)
}

/// Licences, bans and sources; deny.toml says why not advisories.
async fn dependencies() -> Result<Outcome> {
    if output(cargo(&["deny", "--version"])).await.is_err() {
        return Ok(Outcome::LeftOut(
            "cargo-deny is not installed: `cargo install --locked cargo-deny`".into(),
        ));
    }
    run(cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"])).await?;
    Ok(Outcome::Passed)
}

async fn up_to_date(screen: &Screen) -> Result<Outcome> {
    generated::check(screen).await?;
    Ok(Outcome::Passed)
}

async fn documentation() -> Result<Outcome> {
    let mut doc =
        cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    run(doc).await?;
    Ok(Outcome::Passed)
}

async fn documents(screen: &Screen) -> Result<Outcome> {
    documents::check_pages(screen).await?;
    Ok(Outcome::Passed)
}

async fn values(screen: &Screen) -> Result<Outcome> {
    documents::check_chart(screen).await?;
    Ok(Outcome::Passed)
}

/// All tests that need no cluster: those beside the code, those beside the crates, and those in the
/// documentation.
async fn unit_tests(report: &Report<'_>, options: &TestOptions) -> Result<Outcome> {
    cargo_test(&["--lib", "--bins"], options, report).await?;
    let on_clusters = ["--exclude", "duckduckgoose-testbed", "--exclude", "duckduckgoose-tests"];
    cargo_test(&[&["--test", "*"], &on_clusters[..]].concat(), options, report).await?;
    cargo_test(&["--doc"], options, report).await?;
    Ok(Outcome::Passed)
}

async fn cargo_test(arguments: &[&str], options: &TestOptions, report: &Report<'_>) -> Result<()> {
    let mut test = cargo(&["test", "--workspace"]);
    test.args(arguments).arg("--").args(&options.filter);
    if options.deep {
        test.env("SEEDS", DEEP_SEEDS.to_string());
    }
    run_heard(test, |line| report.hear(line)).await
}

async fn under_load(screen: &Screen) -> Result<Outcome> {
    load::run(LoadOptions::default(), screen).await?;
    Ok(Outcome::Passed)
}

fn rounds(deep: bool) -> u32 {
    if deep { DEEP_ROUNDS } else { 1 }
}

/// A night's worth.
const DEEP_ROUNDS: u32 = 20;

/// Of the election's simulation, likewise.
const DEEP_SEEDS: u32 = 10_000;
