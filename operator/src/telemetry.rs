//! Logs on standard output.

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object.
    Json,
    /// For people.
    Text,
}

/// Logs from `level` on; of the libraries only warnings.
pub fn start(level: Level, format: LogFormat) {
    let level = LevelFilter::from_level(level);
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("duckgoose_operator", level);
    let lines = match format {
        LogFormat::Json => layer().json().flatten_event(true).with_target(false).boxed(),
        LogFormat::Text => layer().with_target(false).boxed(),
    };
    tracing_subscriber::registry().with(targets).with(lines).init();
}
