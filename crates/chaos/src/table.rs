//! The figures of a run, fault by fault.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::fault::Fault;
use crate::record::Record;
use crate::verdict::Verdict;

/// What is known of one fault.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    alone: usize,
    mixed: usize,
    two_geese: usize,
    without_alone: Duration,
    without_mixed: Duration,
    abdications: usize,
}

/// The table as Markdown: fault, times tried, two Geese, longest time without a Goose, false
/// abdications. A round of several faults counts for each of them.
pub fn markdown(record: &Record, verdict: &Verdict) -> String {
    let rows = rows(record, verdict);
    let mut table = String::from(
        "| fault | what it does | alone | mixed | two Geese | longest without, alone | mixed | false abdications |\n\
         |---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for (fault, row) in rows {
        let Row { alone, mixed, two_geese, without_alone, without_mixed, abdications } = row;
        let _ = writeln!(
            table,
            "| `{fault}` | {} | {alone} | {mixed} | {two_geese} | {} | {} | {abdications} |",
            fault.what(),
            seconds(alone, without_alone),
            seconds(mixed, without_mixed),
        );
    }
    table
}

fn rows(record: &Record, verdict: &Verdict) -> BTreeMap<Fault, Row> {
    let mut rows: BTreeMap<Fault, Row> = BTreeMap::new();
    for (round, figures) in record.rounds.iter().zip(&verdict.rounds) {
        let is_alone = round.tried.len() == 1;
        for tried in round.tried.iter().filter(|tried| tried.failure.is_none()) {
            let row = rows.entry(tried.planned.fault).or_default();
            let (count, without) = if is_alone {
                (&mut row.alone, &mut row.without_alone)
            } else {
                (&mut row.mixed, &mut row.without_mixed)
            };
            *count += 1;
            *without = figures.without.max(*without);
            row.two_geese += figures.two_geese;
            row.abdications += figures.abdications;
        }
    }
    rows
}

fn seconds(count: usize, span: Duration) -> String {
    if count == 0 { "–".to_owned() } else { format!("{:.1} s", span.as_secs_f64()) }
}
