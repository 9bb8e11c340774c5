//! `cargo xtask bench`: our election side by side with others.

mod document;
mod stages;

use anyhow::Result;
use bench::chart;
use bench::machine;
use bench::measurement::Measurement;
use bench::programs::Programs;
use bench::section::Section;
use comfy_table::{Table, presets};
use testbed::Tier;

use self::document::Run;
use self::stages::Extent;
use crate::cli::BenchOptions;
use crate::prepare;
use crate::screen::Screen;

/// Measures what was asked for, prints it, and writes it into the document where that was asked for, too.
///
/// # Errors
/// Where something does not build, or does not happen that should.
pub async fn run(options: BenchOptions, screen: &Screen) -> Result<()> {
    let wanted = |tier| {
        let all = Measurement::ALL.into_iter().filter(move |one| one.tier() == tier);
        all.filter(|one| options.only.is_empty() || options.only.contains(one)).collect::<Vec<_>>()
    };
    let (light, full) = (wanted(Tier::Light), wanted(Tier::Full));
    prepare::install(if full.is_empty() { Tier::Light } else { Tier::Full }, screen).await?;
    let programs = build(screen).await?;
    let extent = Extent::of(&options);
    let load = machine::load();
    let mut sections = Vec::new();
    if !light.is_empty() {
        sections.extend(stages::light(&light, &programs, &extent, screen).await?);
    }
    if !full.is_empty() {
        sections.extend(stages::full(&full, &programs, &extent, screen).await?);
    }
    for section in &sections {
        screen.line(format!("\n{} ({})\n{}", section.title, section.unit, table(section)));
    }
    let run = Run { options: &options, load_before: load, load_after: machine::load() };
    let chart = chart::times(&sections).map_err(anyhow::Error::from_boxed)?;
    document::write(&run, &sections, chart.as_deref(), screen)
}

async fn build(screen: &Screen) -> Result<Programs> {
    let screen = screen.clone();
    tokio::task::spawn_blocking(move || Programs::build(&|line: &str| screen.line(line))).await?
}

fn table(section: &Section) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(section.head());
    for row in &section.rows {
        table.add_row(row.cells(section));
    }
    table
}
