//! Each command of docs/tutorial.md, typed as it stands there: none fails, each answers under the
//! headings that the page shows, and the Goose has become another one on the way.

use std::time::Instant;

use anyhow::{Result, ensure};
use stage::Stage;
use stage::page::{Shell, Typed, commands};

pub async fn test(stage: &Stage) -> Result<()> {
    let shell = Shell::open(stage).await?;
    let started = Instant::now();
    let mut geese = Vec::new();
    for typed in commands(PAGE).into_iter().filter(|typed| !is_left_out(typed)) {
        let answer = shell.types(typed.line).await?;
        is_as_shown(&typed, &answer)?;
        geese.extend(shell.types(GOOSE).await.ok().filter(|goose| !goose.is_empty()));
    }
    stage.figure("the tutorial, without the reading, took", started.elapsed());
    geese.dedup();
    // One for each of the pod's two ends; the hand-over may be to who is it already.
    ensure!(geese.len() >= 3, "wanted three Geese one after the other, found {geese:?}");
    ensure!(geese.last().is_some_and(|last| last == "pond-2"), "wanted pond-2, found {geese:?}");
    Ok(())
}

/// What the tests' cluster has already, and what goes on until Ctrl-C.
fn is_left_out(typed: &Typed) -> bool {
    typed.line.starts_with("helm install") || typed.line.ends_with("--watch")
}

/// Names of pods, terms and ages differ from time to time; headings, and how many lines there are, do not.
fn is_as_shown(typed: &Typed, answer: &str) -> Result<()> {
    let (shown, found) = (&typed.shown, answer.lines().collect::<Vec<_>>());
    let headings = |line: Option<&&str>| {
        line.filter(|line| line.starts_with("NAME")).map(|line| line.split_whitespace().count())
    };
    ensure!(
        found.len() >= shown.len() && headings(shown.first()) <= headings(found.first()),
        "`{}`: wanted {shown:#?}, found {found:#?}",
        typed.line
    );
    Ok(())
}

const PAGE: &str = include_str!("../../docs/tutorial.md");

/// It fails where there is no cluster: before it is made, and at the end.
const GOOSE: &str = "kubectl get dgc pond --output=jsonpath={.status.goose}";
