//! The pages of `docs/reference` that are made from this program: the command line and the metrics.
//!
//! After a change that is meant to change them: `REWRITE=1 cargo test -p duckduckgoose-sidecar
//! reference`, and read the difference.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

use election::driver::{Event, WriteFailure};
use election::member::{Cause, Role};

use crate::arguments::{self, Wish};
use crate::metrics::Metrics;
use crate::standing::Answer;

#[test]
fn the_page_of_the_command_line_is_up_to_date() {
    let Ok(Wish::Tell(help)) = arguments::read(["--help".into()]) else { panic!("no help") };
    // The version is not news for a reader.
    let (_, help) = help.split_once("\n\n").expect("the first line is the version");
    let page = format!("# duckgoose\n\n{HOW_IT_IS_MADE}\n\n```text\n{help}\n```\n");
    is_up_to_date("duckgoose.md", &page);
}

#[test]
fn the_page_of_the_metrics_is_up_to_date() {
    let text = everything_counted();
    let rows = text.lines().filter_map(|line| line.strip_prefix("# HELP ")).map(|help| {
        let (name, meaning) = help.split_once(' ').expect("a name and its meaning");
        let (name, kind) = full_name(&text, name);
        let labels: Vec<_> = labels(&text, &name).into_iter().collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        format!("| `{name}` | {kind} | {labels} | {} |\n", meaning.trim_end_matches('.'))
    });
    let rows = rows.collect::<BTreeSet<_>>().into_iter().collect::<String>();
    let page = format!("# Metrics of the sidecar\n\n{HOW_IT_IS_MADE}\n\n{METRICS}\n{rows}");
    is_up_to_date("metrics.md", &page);
}

/// The metrics of a member to which each kind of thing has happened.
fn everything_counted() -> String {
    let metrics = Metrics::new("pond");
    metrics.count(Event::Became(Role::Duck, Cause::Deadline));
    metrics.count(Event::Written(Duration::from_millis(4)));
    metrics.count(Event::WriteFailed(WriteFailure::TimedOut));
    let mut now = Answer::outside(String::new());
    now.seen_ms_ago = Some(0);
    metrics.text(&now, 0)
}

/// As Prometheus has it: a counter's samples end in `_total`. And the type.
fn full_name<'a>(text: &'a str, name: &str) -> (String, &'a str) {
    let begin = format!("# TYPE {name} ");
    let kind = text.lines().find_map(|line| line.strip_prefix(&begin)).expect("each has a type");
    let suffix = if kind == "counter" { "_total" } else { "" };
    (format!("{name}{suffix}"), kind)
}

/// The labels that this metric has and others have not.
fn labels(text: &str, name: &str) -> BTreeSet<String> {
    let samples = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
    let labels = samples.flat_map(|sample| sample.split('}').next().unwrap_or_default().split(','));
    let names = labels.filter_map(|label| label.split_once('=')).map(|(name, _)| name);
    names.filter(|name| *name != "cluster").map(|name| format!("`{name}`")).collect()
}

fn is_up_to_date(page: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference").join(page);
    if env::var_os("REWRITE").is_some() {
        fs::write(&file, wanted).expect("the checkout can be written to");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, wanted, "run REWRITE=1 cargo test -p duckduckgoose-sidecar reference");
}

const HOW_IT_IS_MADE: &str = "Made from the program by a test, `sidecar/src/reference.rs`: edit \
                              the program.";

const METRICS: &str = "\
Served at `/metrics`, as OpenMetrics. All have the label `cluster`; `namespace` and `pod` come from the scrape.

| metric | type | labels | meaning |
|---|---|---|---|";
