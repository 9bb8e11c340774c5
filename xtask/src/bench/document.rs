//! What was measured, as a part of docs/performance.md.

use std::fs;
use std::path::{Path, PathBuf};

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

/// Writes the chart and the text: between the markers of the document where one was named, and below target/ where
/// none was.
///
/// # Errors
/// Where a file cannot be written, or the document has no markers.
pub fn write(
    run: &Run<'_>,
    sections: &[Section],
    chart: Option<&str>,
    screen: &Screen,
) -> Result<()> {
    let (document, picture) = match &run.options.report {
        Some(document) => (document.clone(), document.with_extension("svg")),
        None => (PathBuf::from(LEFT).join("report.md"), PathBuf::from(LEFT).join("report.svg")),
    };
    fs::create_dir_all(LEFT)?;
    let file_name =
        |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let shown = chart.map(|_| file_name(&picture));
    let text = text(run, sections, shown.as_deref());
    let text = match &run.options.report {
        Some(_) => {
            let old = fs::read_to_string(&document);
            let old = old.with_context(|| format!("wanted to read {}", document.display()))?;
            report::between_markers(&old, &text)?
        }
        None => text,
    };
    if let Some(chart) = chart {
        fs::write(&picture, chart)?;
    }
    fs::write(&document, text)?;
    screen.line(format!("\nwritten to {}", document.display()));
    Ok(())
}

fn text(run: &Run<'_>, sections: &[Section], picture: Option<&str>) -> String {
    let Run { options, load_before, load_after } = run;
    let sections: Vec<_> = sections.iter().map(report::markdown).collect();
    let picture =
        picture.map(|picture| format!("![The times as bars]({picture})\n\n")).unwrap_or_default();
    format!(
        "{}, `{}`: {}. Load of the machine {load_before} before and {load_after} after.\n\n{picture}{}",
        Zoned::now().strftime("%F %H:%M %Z"),
        options.command(),
        machine::describe(),
        sections.join("\n")
    )
}

/// From the root of the checkout.
const LEFT: &str = "target/bench";
