//! How each step went.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};

use crate::screen::Screen;

/// What became of a step that did not fail.
pub enum Outcome {
    /// It was done and all is well.
    Passed,
    /// It was not done, and why.
    LeftOut(String),
}

/// The steps so far.
pub struct Report<'a> {
    screen: &'a Screen,
    rows: RefCell<Vec<Row>>,
    tests: Cell<Tests>,
}

struct Row {
    step: String,
    took: Duration,
    result: String,
}

impl<'a> Report<'a> {
    /// Of no step yet.
    pub fn new(screen: &'a Screen) -> Self {
        Self { screen, rows: RefCell::default(), tests: Cell::default() }
    }

    /// Does one step, between two lines that name it.
    ///
    /// # Errors
    /// That of the step.
    pub async fn step(
        &self,
        step: &str,
        work: impl Future<Output = Result<Outcome>>,
    ) -> Result<()> {
        self.screen.line(format!("── {step}"));
        let started = Instant::now();
        let done = work.await;
        let result = match &done {
            Ok(Outcome::Passed) => "ok".to_owned(),
            Ok(Outcome::LeftOut(why)) => format!("left out: {why}"),
            Err(_) => "FAILED".to_owned(),
        };
        let took = started.elapsed();
        self.screen.line(format!("── {step}: {result} ({:.1} s)", took.as_secs_f64()));
        self.rows.borrow_mut().push(Row { step: step.to_owned(), took, result });
        done.map(drop)
    }

    /// Notes a step that is not done.
    pub fn left_out(&self, step: &str, why: &str) {
        let result = format!("left out: {why}");
        self.rows.borrow_mut().push(Row { step: step.to_owned(), took: Duration::ZERO, result });
    }

    /// Counts a line of `cargo test` where it is a result.
    pub fn hear(&self, line: &str) {
        if let Some(more) = Tests::read(line) {
            self.tests.set(self.tests.get().and(more));
        }
    }

    /// Prints all steps, and the tests of all of them together in cargo's own words.
    pub fn close(&self, result: &Result<()>) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["STEP", "SECONDS", "RESULT"]);
        for row in self.rows.borrow().iter() {
            table.add_row([
                row.step.clone(),
                format!("{:.1}", row.took.as_secs_f64()),
                row.result.clone(),
            ]);
        }
        if let Some(seconds) = table.column_mut(1) {
            seconds.set_cell_alignment(CellAlignment::Right);
        }
        self.screen.line(format!("\n{table}\n"));
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        let Tests { passed, failed, ignored } = self.tests.get();
        self.screen.line(format!(
            "test result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored"
        ));
    }
}

/// How many tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tests {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tests {
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …`
    fn read(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |what: &str| {
            let found =
                counts.split("; ").find_map(|count| count.strip_suffix(what)?.trim().parse().ok());
            found.unwrap_or(0)
        };
        Some(Self { passed: count("passed"), failed: count("failed"), ignored: count("ignored") })
    }

    fn and(self, more: Self) -> Self {
        Self {
            passed: self.passed + more.passed,
            failed: self.failed + more.failed,
            ignored: self.ignored + more.ignored,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_what_cargo_test_says() {
        let report = Report::new(&Screen::stderr()).tests.get();
        assert_eq!(report, Tests::default());
        let screen = Screen::stderr();
        let report = Report::new(&screen);
        report.hear("running 4 tests");
        report.hear("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        report.hear("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        assert_eq!(report.tests.get(), Tests { passed: 4, failed: 2, ignored: 1 });
    }
}
