//! Commands of `cargo xtask`, kubectl and helm, in blocks and in sentences: the words and options
//! exist. Whether they do what the page says, tests on clusters find out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use clap::error::ErrorKind;
use testbed::Release;
use testbed::programs::Program;

use super::page::{Block, Page};
use super::place;
use crate::cli::Cli;
use crate::clients::built;
use crate::command::{command, output};
use crate::screen::Screen;

/// Commands that do not exist.
///
/// # Errors
/// Where kubectl or helm cannot be built.
pub async fn faults(pages: &[Page], screen: &Screen) -> Result<Vec<String>> {
    let mut helps = Helps {
        kubectl: built(Program::Kubernetes(Release::Current), "kubectl", screen).await?,
        helm: built(Program::Helm, "helm", screen).await?,
        known: BTreeMap::new(),
    };
    let mut faults = Vec::new();
    for page in pages {
        for (line, words) in commands(page) {
            if let Some(why) = fault(&words, &mut helps).await? {
                faults.push(format!("{}: `{}`: {why}", place(page, line), words.join(" ")));
            }
        }
    }
    Ok(faults)
}

/// What a page tells people to type, as words, with its line.
fn commands(page: &Page) -> Vec<(usize, Vec<String>)> {
    let shown = page.blocks.iter().filter(|block| is_shell(block)).flat_map(|block| {
        let lines = block.text.lines().enumerate();
        let prompted = block.language == "console";
        lines.filter_map(move |(index, line)| {
            let typed = if prompted { line.strip_prefix("$ ")? } else { line };
            Some((block.line + index, typed))
        })
    });
    let spans = page.spans.iter().map(|(code, line)| (*line, code.as_str()));
    shown.chain(spans).filter_map(|(line, typed)| Some((line, words(typed)?))).collect()
}

fn is_shell(block: &Block) -> bool {
    matches!(block.language.as_str(), "console" | "bash" | "sh")
}

/// The words of the first command of a line, without what stands before the program; `None` where it is
/// none of the programs that are looked at, or a fragment.
fn words(typed: &str) -> Option<Vec<String>> {
    // The rest of a command that goes on in the next line is not looked at.
    let typed = typed.trim_end().trim_end_matches('\\');
    let all = shlex::split(typed).or_else(|| shlex::split(typed.split('"').next()?))?;
    let is_end = |word: &String| matches!(word.as_str(), "|" | "&" | "&&" | "||" | ";" | ">" | "…");
    let all: Vec<_> = all.into_iter().take_while(|word| !is_end(word)).collect();
    let begin = all.iter().position(|word| !word.contains('='))?;
    let all = all[begin..].to_vec();
    let is_ours = match all.first()?.as_str() {
        "cargo" => all.get(1).is_some_and(|word| word == "xtask") && all.len() > 2,
        "kubectl" | "helm" => all.len() > 1,
        _ => false,
    };
    is_ours.then_some(all)
}

/// Why it does not exist.
async fn fault(words: &[String], helps: &mut Helps) -> Result<Option<String>> {
    if words[0] == "cargo" {
        return Ok(fault_of_xtask(&words[1..]));
    }
    let verbs = verbs(&words[1..]);
    let Some(known) = helps.options(&words[0], &verbs).await? else {
        return Ok(Some(format!("{} has no such command", words[0])));
    };
    let options = words.iter().take_while(|word| *word != "--").filter_map(|word| option(word));
    let unknown = options.into_iter().find(|option| !known.contains(*option));
    Ok(unknown.map(|option| format!("{option} is no option of it")))
}

fn fault_of_xtask(words: &[String]) -> Option<String> {
    let error = Cli::try_parse_from(words).err()?;
    let is_for_people = |word: &String| word.chars().all(|c| c.is_ascii_uppercase() || c == '.');
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
        // `--only NAME`: who reads it puts something there.
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if words.iter().any(is_for_people) => {
            None
        }
        _ => Some(error.to_string().lines().next().unwrap_or_default().to_owned()),
    }
}

/// The first two words that are no options: `rollout status`, `get pods`.
fn verbs(words: &[String]) -> Vec<String> {
    let mut verbs = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next().filter(|word| *word != "--") {
        if matches!(word.as_str(), "--namespace" | "-n") {
            words.next();
        } else if !word.starts_with('-') {
            verbs.push(word.clone());
        }
    }
    verbs.truncate(2);
    verbs
}

/// The name of an option, with its dashes and without its value.
fn option(word: &str) -> Option<&str> {
    let name = word.split('=').next()?;
    (name.starts_with('-') && name.len() > 1).then_some(name)
}

/// What the programs say of themselves.
struct Helps {
    kubectl: PathBuf,
    helm: PathBuf,
    known: BTreeMap<Vec<String>, Option<BTreeSet<String>>>,
}

impl Helps {
    /// The options of a command; `None` where there is no such command.
    async fn options(
        &mut self,
        program: &str,
        verbs: &[String],
    ) -> Result<Option<BTreeSet<String>>> {
        let mut key = vec![program.to_owned()];
        key.extend_from_slice(verbs);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let path = if program == "helm" { &self.helm } else { &self.kubectl };
        let mut ask = command(path);
        ask.args(verbs).arg("--help");
        let verb = verbs.first().map_or("", String::as_str);
        let help =
            output(ask).await.ok().filter(|help| help.contains(&format!("{program} {verb}")));
        let mut known = help.map(|help| options(&help));
        if let (Some(known), "kubectl") = (&mut known, program) {
            let mut ask = command(path);
            ask.arg("options");
            known.extend(options(&output(ask).await?));
        }
        self.known.insert(key, known.clone());
        Ok(known)
    }
}

/// All that looks like an option in a help.
fn options(help: &str) -> BTreeSet<String> {
    let words = help.split([' ', '\n', '\t', ',']).filter(|word| word.starts_with('-'));
    words.map(|word| word.split(['=', ':']).next().unwrap_or(word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<String> {
        words(line).unwrap_or_default()
    }

    #[test]
    fn commands_are_cut_where_a_shell_would() {
        for (typed, wanted) in [
            ("kubectl get pods | wc", vec!["kubectl", "get", "pods"]),
            (
                "kubectl patch --patch '{\"a\":\"|\"}' # why",
                vec!["kubectl", "patch", "--patch", "{\"a\":\"|\"}"],
            ),
            ("SEED=1 cargo xtask test", vec!["cargo", "xtask", "test"]),
            ("cargo build", vec![]),
            ("kubectl", vec![]),
            ("echo kubectl get", vec![]),
        ] {
            assert_eq!(split(typed), wanted, "{typed}");
        }
    }

    #[test]
    fn tasks_of_xtask_are_parsed() {
        let fault = |line| fault_of_xtask(&split(line)[1..]);
        assert_eq!(fault("cargo xtask test --light name"), None);
        assert_eq!(fault("cargo xtask chaos --only NAME"), None);
        assert!(fault("cargo xtask chaos --only nothing-like-it").is_some());
        assert!(fault("cargo xtask tset").is_some());
        assert!(fault("cargo xtask test --dark").is_some());
    }

    #[test]
    fn verbs_and_options_are_told_apart() {
        let line = split("kubectl --namespace team rollout status --timeout=1m deployment/x");
        assert_eq!(verbs(&line[1..]), ["rollout", "status"]);
        let help = "Options:\n    -n, --namespace='':\n\tIf\n  --wait   if set\n";
        let wanted = ["--namespace", "--wait", "-n"].map(str::to_owned);
        assert_eq!(options(help), BTreeSet::from(wanted));
        assert_eq!(
            (option("--a=b"), option("-n"), option("-"), option("a")),
            (Some("--a"), Some("-n"), None, None)
        );
    }
}
