//! What was measured, as a part of docs/performance.md.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use bench::machine;
use bench::report;
use bench::section::Section;
use jiff::Zoned;

use crate::cli::BenchOptions;
use crate::screen::Screen;

/// How it was measured.
pub struct Run<'a> {
    /// What was asked for.
    pub options: &'a BenchOptions,
    /// Load of the machine before the first measurement.
    pub load_before: String,
    /// Load of the machine after the last one.
    pub load_after: String,
}

/// Writes the text: into the document where one was named, and below target/ where none was. The chart is of one run,
/// so it is written where a document has it only by a run of everything.
///
/// # Errors
/// Where a file cannot be written, or the document has no markers.
pub fn write(
    run: &Run<'_>,
    sections: &[Section],
    chart: Option<&str>,
    screen: &Screen,
) -> Result<()> {
    let told = run.tell();
    let parts: Vec<_> = sections.iter().map(|section| report::markdown(section, &told)).collect();
    fs::create_dir_all(LEFT)?;
    let left = Path::new(LEFT).join("report.md");
    let (document, text) = match &run.options.report {
        Some(document) => {
            let old = fs::read_to_string(document);
            let old = old.with_context(|| format!("wanted to read {}", document.display()))?;
            (document.clone(), report::between_markers(&old, &parts)?)
        }
        None => (left, parts.join("\n")),
    };
    let is_part = run.options.report.is_some() && !run.options.only.is_empty();
    if let Some(chart) = chart.filter(|_| !is_part) {
        fs::write(document.with_extension("svg"), chart)?;
    }
    fs::write(&document, text)?;
    screen.line(format!("\nwritten to {}", document.display()));
    Ok(())
}

impl Run<'_> {
    fn tell(&self) -> String {
        let Run { options, load_before, load_after } = self;
        format!(
            "*{}, `{}`: {}. Load of the machine {load_before} before and {load_after} after.*",
            Zoned::now().strftime("%F %H:%M %Z"),
            options.command(),
            machine::describe(),
        )
    }
}

/// From the root of the checkout.
const LEFT: &str = "target/bench";
