//! Other programs, run to their end.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::checkout;

/// A program with the checkout as its folder. It dies with whoever waits for it.
pub fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(checkout::root()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The cargo that runs this xtask.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = command(Path::new(&cargo));
    command.args(arguments);
    command
}

/// Runs it; what it says is seen by the person.
///
/// # Errors
/// Where it does not start, or fails: its words have been seen already.
pub async fn run(mut command: Command) -> Result<()> {
    let words = words(&command);
    let status = command.status().await.with_context(|| format!("wanted to run `{words}`"))?;
    if !status.success() {
        bail!("`{words}` failed with {status}; its words are above");
    }
    Ok(())
}

/// Runs it unseen, and returns what it wrote to its standard output.
///
/// # Errors
/// Where it does not start, or fails: with its own last words.
pub async fn output(mut command: Command) -> Result<String> {
    let words = words(&command);
    let output = command.output().await.with_context(|| format!("wanted to run `{words}`"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{words}` failed with {}:\n{}", output.status, last_lines(&complaint, 15));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs it; each line that it writes to its standard output is seen by the person and by `hear`.
///
/// # Errors
/// As [`run`].
pub async fn run_heard(mut command: Command, mut hear: impl FnMut(&str)) -> Result<()> {
    let words = words(&command);
    let start = || format!("wanted to run `{words}`");
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(start)?;
    let stdout = child.stdout.take().expect("piped, one line above");
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
        hear(&line);
    }
    let status = child.wait().await?;
    if !status.success() {
        bail!("`{words}` failed with {status}; its words are above");
    }
    Ok(())
}

/// The last `count` lines of a text.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// The command as a person would type it, with the program's name for its path.
fn words(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_lines_only() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
    }

    #[test]
    fn names_a_command_without_its_folder() {
        let mut command = command("/somewhere/bin/kubectl");
        command.args(["get", "pods"]);
        assert_eq!(words(&command), "kubectl get pods");
    }
}
