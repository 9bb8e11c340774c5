//! `cargo xtask bench`: our election side by side with others.

use anyhow::Result;
use bench::light::Light;
use bench::programs::Programs;
use bench::report;
use bench::section::Section;
use comfy_table::{Table, presets};
use testbed::{Cluster, Tier};

use crate::cli::BenchOptions;
use crate::prepare;
use crate::screen::Screen;
use crate::up;

/// Measures what was asked for, and prints it.
///
/// # Errors
/// Where something does not build, or does not happen that should.
pub async fn run(options: BenchOptions, screen: &Screen) -> Result<()> {
    prepare::install(Tier::Light, screen).await?;
    let programs = build(screen).await?;
    let cluster = up::start(NAME, true, screen).await?;
    let sections = measure(&options, &cluster, &programs, screen).await;
    cluster.down().await?;
    let sections = sections?;
    for section in &sections {
        screen.line(format!("\n{}\n{}", section.title, table(section)));
    }
    let text: Vec<_> = sections.iter().map(report::markdown).collect();
    screen.line(text.join("\n"));
    Ok(())
}

async fn build(screen: &Screen) -> Result<Programs> {
    let screen = screen.clone();
    tokio::task::spawn_blocking(move || Programs::build(&|line: &str| screen.line(line))).await?
}

async fn measure(
    options: &BenchOptions,
    cluster: &Cluster,
    programs: &Programs,
    screen: &Screen,
) -> Result<Vec<Section>> {
    let say = |line: &str| screen.line(line);
    let light = Light { cluster, programs, rounds: options.rounds, say: &say };
    let mut groups = light.groups().await?;
    let mut sections = vec![light.hand_over(&mut groups).await?];
    sections.extend(light.killed(&mut groups).await?);
    Ok(sections)
}

fn table(section: &Section) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(section.head());
    for row in &section.rows {
        table.add_row(row.cells(section));
    }
    table
}

/// Name of the cluster.
const NAME: &str = "bench";
