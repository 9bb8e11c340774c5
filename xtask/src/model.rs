//! `cargo xtask model`: the model check of the election, shallow or deep.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;

use crate::checkout;
use crate::cli::ModelOptions;
use crate::command::{cargo, command, output, run_heard};
use crate::screen::Screen;

/// Searches the configurations; what the searches say is seen as it comes. A deep search of all of
/// them leaves its table in the documents.
///
/// # Errors
/// Where a property is violated, with the steps that lead there, or something worth reaching was
/// never reached.
pub async fn run(options: ModelOptions, screen: &Screen) -> Result<()> {
    let ModelOptions { deep, configuration, states } = options;
    let whole = deep && configuration.is_none() && states.is_none();
    let mut test = cargo(&["test", "--release", "--package", "duckduckgoose-election"]);
    test.args(["--test", "proof", "--", "--nocapture", "--include-ignored", "--exact"]);
    test.arg(if deep { DEEP } else { SHALLOW });
    if let Some(configuration) = configuration {
        test.env("MODEL", configuration);
    }
    if let Some(states) = states {
        test.env("MOST_STATES", states.to_string());
    }
    let mut table = String::new();
    run_heard(test, |line| {
        if line.starts_with('|') || line.contains(TOTAL) {
            table += &format!("{}{line}\n", if line.starts_with('|') { "" } else { "\n" });
        }
    })
    .await?;
    if whole {
        let path = checkout::root().join(DOCUMENT);
        std::fs::write(&path, document(&table).await?)
            .with_context(|| format!("wanted to write {}", path.display()))?;
        screen.line(format!("the table is in {DOCUMENT}"));
    }
    Ok(())
}

/// The table, with what it was made of, when, and where.
async fn document(table: &str) -> Result<String> {
    let mut git = command(Path::new("git"));
    git.args(["describe", "--always", "--dirty"]);
    let commit = output(git).await?;
    let date = Timestamp::now().strftime("%Y-%m-%d");
    let cores = std::thread::available_parallelism()?;
    Ok(format!(
        "# What the model check explored\n\n\
         Written by `cargo xtask model --deep` on {date}, from commit {}, on {cores} cores ({}). \
         [Why there are never two Geese](safety.md) says what the configurations are for.\n\n\
         {EXPLANATION}\n\n{table}",
        commit.trim(),
        processor(),
    ))
}

fn processor() -> String {
    let known = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = known.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("unknown".to_owned(), |(_, name)| name.to_owned())
}

const EXPLANATION: &str = "Each is searched breadth-first, and each state is counted once. *Steps*: \
every state that so many steps can reach was found. *Ended by*: `exhausted` where there are no \
more states, `limit` where there are enough of them. *MB*: the most memory that the process had by \
then.";

const DEEP: &str = "model::deep::never_two_geese_in_many_millions_of_states";
const SHALLOW: &str = "model::check::never_two_geese_in_any_order_of_events";

/// What the line with the sum has in it.
const TOTAL: &str = " unique states in ";

const DOCUMENT: &str = "docs/model.md";
