//! What was measured, as a part of a document.

use std::fmt::Write as _;

use crate::section::Section;

/// A heading, an explanation and a table.
pub fn markdown(section: &Section) -> String {
    let mut text = format!("### {}\n\n{}\n\n", section.title, section.how);
    let head = section.head();
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(head.len()));
    for row in &section.rows {
        let _ = writeln!(text, "| {} |", row.cells(section).join(" | "));
    }
    text
}

/// The document with the text between the markers replaced.
///
/// # Errors
/// Where a marker is missing.
pub fn between_markers(document: &str, text: &str) -> anyhow::Result<String> {
    let missing =
        |marker| anyhow::anyhow!("wanted the marker {marker} in the document, found none");
    let (before, rest) = document.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", text.trim()))
}

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
                      | ours, 6 s | 3 | 10.0 ms | 12.0 ms |\n";
        assert_eq!(markdown(&section), wanted);
    }

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let document = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let replaced = between_markers(&document, "new\n").unwrap();
        assert_eq!(replaced, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert!(between_markers("before", "new").is_err());
    }
}
