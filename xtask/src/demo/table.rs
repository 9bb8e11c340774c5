//! The live table: who is what, and for how long.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use history::Said;
use observer::{Member, Observer, Seen};

/// The table and a line below it.
pub fn render(observer: &Observer) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["POD", "NODE", "ROLE", "TERM", "FOR"]);
    let now = observer.now();
    let caption = observer.look(|seen| {
        table.add_rows(seen.members().into_iter().map(|member| row(seen, member, now)));
        caption(seen)
    });
    for column in [3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n {caption}")
}

/// What must not be, and was seen: none where all is well.
pub fn wrongs(seen: &Seen) -> Vec<String> {
    let geese = seen.proofs.iter().map(ToString::to_string);
    geese.chain(seen.two_labels.iter().map(ToString::to_string)).collect()
}

fn row(seen: &Seen, member: &Member, now: Duration) -> [String; 5] {
    let (role, term) = match seen.heard(member) {
        // The one to look for.
        Some(Said::Goose { term }) => ("GOOSE", term.to_string()),
        Some(Said::Duck) => ("duck", String::new()),
        None => ("silent", String::new()),
    };
    let role = if member.leaving { format!("{role}, leaving") } else { role.to_owned() };
    let node = member.node.clone().unwrap_or_default();
    let since = now.saturating_sub(since(seen, member)).as_secs_f64();
    [member.pod.to_string(), node, role, term, format!("{since:.1} s")]
}

/// Since when it is what the table says it is.
fn since(seen: &Seen, member: &Member) -> Duration {
    match &member.answer {
        Some(last) if seen.heard(member).is_none() => last.answered,
        _ => member.since,
    }
}

fn caption(seen: &Seen) -> String {
    let answers = seen.history.answers.len();
    match wrongs(seen).first() {
        None => format!("{answers} answers, never two Geese at one time"),
        Some(wrong) => format!("WRONG: {wrong}"),
    }
}
