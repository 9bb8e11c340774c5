//! What is fenced in a page: commands, typed as they stand there, and other blocks.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use crate::stage::Stage;
use crate::theatre;

/// One line after `$` in a block of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed<'page> {
    /// The line.
    pub line: &'page str,
    /// What the page shows as its answer; empty where it shows none.
    pub shown: Vec<&'page str>,
}

/// A shell in which `kubectl` and `helm` are those of the testbed, at work in one namespace.
pub struct Shell {
    kubeconfig: PathBuf,
    path: String,
}

/// All that is fenced as this language.
pub fn blocks<'page>(page: &'page str, language: &str) -> Vec<&'page str> {
    let begin = format!("```{language}\n");
    let ended = page.split(&begin).skip(1).filter_map(|rest| rest.split_once("```"));
    ended.map(|(block, _)| block).collect()
}

/// Every command of the page, in its order.
pub fn commands(page: &str) -> Vec<Typed<'_>> {
    let mut commands: Vec<Typed<'_>> = Vec::new();
    for line in blocks(page, "console").into_iter().flat_map(str::lines) {
        if let Some(line) = line.strip_prefix("$ ") {
            commands.push(Typed { line, shown: Vec::new() });
        } else if let Some(last) = commands.last_mut() {
            last.shown.push(line);
        }
    }
    commands
}

impl Shell {
    /// In the namespace of the test: what a page says of `default`, happens there.
    ///
    /// # Errors
    /// Where its kubeconfig cannot be written.
    pub async fn open(stage: &Stage) -> Result<Self> {
        let kubeconfig = stage.file("kubeconfig")?;
        std::fs::copy(stage.cluster().kubeconfig(), &kubeconfig)?;
        let kubectl = stage.cluster().program("kubectl");
        let folder = kubectl.parent().context("kubectl is in a folder")?;
        let path = std::env::var("PATH").unwrap_or_default();
        let shell = Self { kubeconfig, path: format!("{}:{path}", folder.display()) };
        let namespace = &stage.namespace;
        shell
            .types(&format!("kubectl config set-context --current --namespace={namespace}"))
            .await?;
        Ok(shell)
    }

    /// Runs a line, and returns what it wrote to its standard output.
    ///
    /// # Errors
    /// Where it fails, with its own words, or does not end.
    pub async fn types(&self, line: &str) -> Result<String> {
        let mut bash = Command::new("bash");
        bash.args(["-c", line]).current_dir(theatre::checkout()).kill_on_drop(true);
        bash.env("KUBECONFIG", &self.kubeconfig).env("PATH", &self.path);
        bash.env("KUBECACHEDIR", theatre::kubectl_cache());
        let output = timeout(PATIENCE, bash.output()).await;
        let output = output.with_context(|| format!("`{line}` did not end"))??;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`{line}`: {}", complaint.trim());
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// More than the longest `--timeout` of a page.
const PATIENCE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_with_what_is_shown() {
        let page = "text\n$ no\n```console\n$ one\nanswer\n$ two\n```\n```yaml\n$ no\n```\n";
        let one = Typed { line: "one", shown: vec!["answer"] };
        let two = Typed { line: "two", shown: vec![] };
        assert_eq!(commands(page), [one, two]);
    }
}
