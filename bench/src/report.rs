//! What was measured, as a part of a document: one part for each section, with the run that it is of below it.
//!
//! A run measures what it was asked for. Its parts take the place of those of the same title, and the others stay
//! with the run that they are of.

use std::fmt::Write as _;

use crate::section::Section;

/// A heading, an explanation, a table, and what is to be known of the `run` that it is of.
pub fn markdown(section: &Section, run: &str) -> String {
    let mut text = format!("{HEADING}{}\n\n{}\n\n", section.title, section.how);
    let head = section.head();
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(head.len()));
    for row in &section.rows {
        let _ = writeln!(text, "| {} |", row.cells(section).join(" | "));
    }
    let _ = writeln!(text, "\n{run}");
    text
}

/// The document with these parts between its markers: each in the place of the one with the same title, those that
/// are new behind all others.
///
/// # Errors
/// Where a marker is missing.
pub fn between_markers(document: &str, parts: &[String]) -> anyhow::Result<String> {
    let missing =
        |marker| anyhow::anyhow!("wanted the marker {marker} in the document, found none");
    let (before, rest) = document.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (between, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    let (head, mut all) = split(between);
    for part in parts {
        match all.iter_mut().find(|old| title(old) == title(part)) {
            Some(old) => *old = part,
            None => all.push(part),
        }
    }
    let parts = std::iter::once(head).chain(all).map(str::trim).filter(|part| !part.is_empty());
    let between = parts.collect::<Vec<_>>().join("\n\n");
    Ok(format!("{before}{BEGIN}\n\n{between}\n\n{END}{after}"))
}

/// What is before the first heading, and the parts that begin with one.
fn split(between: &str) -> (&str, Vec<&str>) {
    let starts = between.match_indices(HEADING).map(|(at, _)| at);
    let starts: Vec<_> = starts.filter(|at| between[..*at].ends_with('\n')).collect();
    let ends = starts.iter().skip(1).copied().chain([between.len()]);
    let parts = starts.iter().zip(ends).map(|(start, end)| &between[*start..end]).collect();
    (&between[..starts.first().copied().unwrap_or(between.len())], parts)
}

fn title(part: &str) -> &str {
    part.lines().next().unwrap_or_default()
}

const HEADING: &str = "### ";

/// What is after it is written by `cargo xtask bench`.
pub const BEGIN: &str = "<!-- begin: written by `cargo xtask bench` -->";

/// Until here.
pub const END: &str = "<!-- end: written by `cargo xtask bench` -->";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::{Row, Unit};

    #[test]
    fn a_section_is_a_table() {
        let row = Row {
            who: "ours, 6 s".to_owned(),
            sample: [9.0, 10.0, 12.0].into_iter().collect(),
            two_at_once: None,
            goal: None,
        };
        let (title, how) = ("Hand-over".to_owned(), "Asked.".to_owned());
        let section = Section { title, how, unit: Unit::Milliseconds, rows: vec![row] };
        let wanted = "### Hand-over\n\nAsked.\n\n| election, lease | runs | median | p99 |\n|---|---|---|---|\n\
                      | ours, 6 s | 3 | 10.0 ms | 12.0 ms |\n\nToday.\n";
        assert_eq!(markdown(&section, "Today."), wanted);
    }

    #[test]
    fn what_was_measured_takes_the_place_of_what_was_there() {
        let part = |title: &str, figure: &str| format!("### {title}\n\n{figure}\n");
        let document = format!(
            "before\n{BEGIN}\n\nhead\n\n{}\n{}\n{END}\n### after\n",
            part("Killed", "1"),
            part("Killed, in pods", "2"),
        );
        let wanted = format!(
            "before\n{BEGIN}\n\nhead\n\n{}\n{}\n{}\n{END}\n### after\n",
            part("Killed", "3"),
            part("Killed, in pods", "2"),
            part("Cut off", "4"),
        );
        let parts = [part("Killed", "3"), part("Cut off", "4")];
        assert_eq!(between_markers(&document, &parts).unwrap(), wanted);
    }

    #[test]
    fn a_document_without_markers_is_refused() {
        assert!(between_markers("before", &[]).is_err());
    }
}
