//! Logs on standard output, and traces where they are wanted.

use clap::ValueEnum;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::spans::Traces;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object.
    Json,
    /// For people.
    Text,
}

/// Logs from `level` on; of the libraries only warnings. Spans go to the traces alone.
pub fn start(level: Level, format: LogFormat, traces: Option<&Traces>) {
    let level = LevelFilter::from_level(level);
    let targets =
        Targets::new().with_default(level.min(LevelFilter::WARN)).with_target(OURS, level);
    let lines = match format {
        LogFormat::Json => layer().json().flatten_event(true).with_target(false).boxed(),
        LogFormat::Text => layer().with_target(false).boxed(),
    };
    let lines = lines.with_filter(targets).with_filter(filter_fn(|it: &Metadata| it.is_event()));
    let ours = Targets::new().with_target(OURS, LevelFilter::INFO);
    let spans = traces.map(|traces| traces.layer().with_filter(ours));
    tracing_subscriber::registry().with(lines).with(spans).init();
}

/// The target of all that the operator itself says.
const OURS: &str = "duckgoose_operator";
