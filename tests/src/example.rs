//! A program of the pages in `docs/how-to`, run as it stands there.

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::page::blocks;

/// One that runs. It ends when this is dropped.
pub struct Example {
    language: &'static str,
    lines: Lines<BufReader<ChildStdout>>,
    _program: Child,
}

impl Example {
    /// Starts the first block of this language on a page, to ask the sidecar at this URL. `None`
    /// where this machine has not got the language, which is said.
    ///
    /// # Errors
    /// Where the page has no such block, or it cannot be started.
    pub fn start(page: &str, language: &'static str, url: &str) -> Result<Option<Self>> {
        let interpreter: &[&str] = match language {
            "python" => &["python3", "-c"],
            "javascript" => &["node", "--input-type=module", "--eval"],
            _ => &[language, "-c"],
        };
        let mut command = Command::new(interpreter[0]);
        command.args(&interpreter[1..]).arg(block(page, language)?).env("DUCKGOOSE", url);
        let mut program = match command.stdout(Stdio::piped()).kill_on_drop(true).spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!("     left out: there is no {} on this machine", interpreter[0]);
                return Ok(None);
            }
            started => started?,
        };
        let lines = BufReader::new(program.stdout.take().context("it is piped")?).lines();
        Ok(Some(Self { language, lines, _program: program }))
    }

    /// Waits for the next line, which must be this.
    ///
    /// # Errors
    /// Where it is another, or none comes.
    pub async fn prints(&mut self, wanted: &str) -> Result<()> {
        let language = self.language;
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.with_context(|| format!("{language}: wanted {wanted}, nothing came"))??;
        ensure!(line.as_deref() == Some(wanted), "{language}: wanted {wanted}, found {line:?}");
        Ok(())
    }
}

fn block<'page>(page: &'page str, language: &str) -> Result<&'page str> {
    let first = blocks(page, language).into_iter().next();
    first.with_context(|| format!("wanted a block of {language}"))
}

const PATIENCE: Duration = Duration::from_secs(30);
