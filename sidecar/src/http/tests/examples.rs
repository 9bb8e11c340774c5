//! The programs in docs/how-to, run as they stand there. Where a machine has not
//! got the language, its example is left out, and that is said.

use std::process::Stdio;

use tokio::process::{Child, Command};

use super::*;

/// The first block of this language on this page.
fn block<'a>(page: &'a str, language: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("```{language}\n")).expect("a block of this language");
    rest.split_once("\n```").expect("an end of the block").0
}

/// A program that runs against a sidecar, and the lines it prints.
struct Example {
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    program: Child,
}

impl Example {
    /// `None` where the machine has no such interpreter.
    fn start(sidecar: &Sidecar, interpreter: &[&str], code: &str) -> Option<Example> {
        let started = Command::new(interpreter[0])
            .args(&interpreter[1..])
            .arg(code)
            .env("DUCKGOOSE", format!("http://{}", sidecar.address))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let Ok(mut program) = started else {
            eprintln!("left out: there is no {} on this machine", interpreter[0]);
            return None;
        };
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        Some(Example { lines, program })
    }

    async fn prints(&mut self, wanted: &str) {
        let line = tokio::time::timeout(Duration::from_secs(20), self.lines.next_line()).await;
        assert_eq!(line.expect("wanted a line in 20 s").unwrap().as_deref(), Some(wanted));
    }
}

#[tokio::test]
async fn the_script_waits_for_the_role() {
    let page = include_str!("../../../../docs/how-to/wait-in-a-script.md");
    let sidecar = Sidecar::goose().await;
    sidecar.becomes(None);
    let Some(mut script) = Example::start(&sidecar, &["bash", "-c"], block(page, "bash")) else {
        return;
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    sidecar.becomes(Some(900));
    script.prints("started").await;
    sidecar.becomes(None);
    script.prints("stopped").await;
    assert!(script.program.wait().await.unwrap().success());
}

#[tokio::test]
async fn the_programs_follow_the_stream() {
    let page = include_str!("../../../../docs/how-to/follow-the-stream.md");
    let node = ["node", "--input-type=module", "--eval"];
    for (language, interpreter) in [("python", &["python3", "-c"][..]), ("javascript", &node)] {
        let sidecar = Sidecar::goose().await;
        let Some(mut program) = Example::start(&sidecar, interpreter, block(page, language)) else {
            continue;
        };
        program.prints("goose").await;
        sidecar.becomes(None);
        program.prints("duck").await;
        sidecar.becomes(Some(900));
        program.prints("goose").await;
    }
}
