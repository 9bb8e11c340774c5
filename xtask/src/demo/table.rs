//! The live table: who is what, and for how long.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use history::Said;

use super::pond::{Known, Member, Pond};

/// The table and a line below it.
pub fn render(pond: &Pond) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["POD", "NODE", "ROLE", "TERM", "FOR"]);
    let now = pond.clock.now();
    let caption = pond.look(|known| {
        table.add_rows(known.members().into_iter().map(|member| row(member, now)));
        caption(known)
    });
    for column in [3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n {caption}")
}

fn row(member: &Member, now: Duration) -> [String; 5] {
    let (role, term) = match member.said {
        // The one to look for.
        Some(Said::Goose { term }) => ("GOOSE", term.to_string()),
        Some(Said::Duck) => ("duck", String::new()),
        None => ("silent", String::new()),
    };
    let role = if member.leaving { format!("{role}, leaving") } else { role.to_owned() };
    let since = now.saturating_sub(member.since).as_secs_f64();
    [member.pod.clone(), member.node.clone(), role, term, format!("{since:.1} s")]
}

fn caption(known: &Known) -> String {
    let verdict = match known.wrongs().len() {
        0 => "never two Geese at one time".to_owned(),
        count => format!("{count} TIMES TWO GEESE"),
    };
    format!("{} answers, {verdict}", known.answers())
}
