//! `--report`: the figures of a run, in the place that a document has for them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use chaos::{Record, Verdict, table};
use history::History;
use jiff::Timestamp;

/// Writes the figures of a run into a document, in place of those of an earlier one.
///
/// # Errors
/// Where the document cannot be written, or has no place for them.
pub fn write(
    document: &Path,
    record: &Record,
    history: &History,
    verdict: &Verdict,
    soak: bool,
) -> Result<()> {
    let text = fs::read_to_string(document)
        .with_context(|| format!("wanted {} to write figures into", document.display()))?;
    let place = if soak { "soak" } else { "run" };
    let written = replace(&text, place, &figures(record, history, verdict, soak))
        .with_context(|| format!("wanted <!-- {place} --> in {}", document.display()))?;
    fs::write(document, written).with_context(|| format!("wanted to write {}", document.display()))
}

fn figures(record: &Record, history: &History, verdict: &Verdict, soak: bool) -> String {
    let day = Timestamp::now().strftime("%Y-%m-%d");
    let minutes = (record.ended - record.began).as_secs_f64() / 60.0;
    let command =
        if soak { "--soak".to_owned() } else { format!("--seed {}", record.schedule.seed) };
    let head = format!(
        "{day}, `cargo xtask chaos {command} --minutes {minutes:.0}`: {} members, a lease of {} s, \
         {} rounds, {} answers. Findings: {}. Reigns that ended although nothing was wrong: {}, of \
         these at rest: {}.",
        record.members,
        record.lease.as_secs(),
        record.rounds.len(),
        history.answers.len(),
        verdict.findings.len(),
        verdict.false_abdications(),
        verdict.abdications_at_rest,
    );
    match soak {
        true => format!("{head}\n"),
        false => format!("{head}\n\n{}", table::markdown(record, verdict)),
    }
}

/// What stands between `<!-- place -->` and `<!-- /place -->`, replaced.
fn replace(text: &str, place: &str, by: &str) -> Option<String> {
    let (before, rest) = text.split_once(&format!("<!-- {place} -->\n"))?;
    let (_, after) = rest.split_once(&format!("<!-- /{place} -->"))?;
    Some(format!("{before}<!-- {place} -->\n{by}<!-- /{place} -->{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = "a\n<!-- run -->\nold\n<!-- /run -->\nb\n";
        let new = "a\n<!-- run -->\nnew\n<!-- /run -->\nb\n";
        assert_eq!(replace(text, "run", "new\n").as_deref(), Some(new));
        assert_eq!(replace(text, "soak", "new\n"), None);
    }
}
