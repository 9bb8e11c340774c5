//! What a person sees while something runs: lines, and on a terminal a spinner or a table below
//! them. Where there is no terminal (CI, a pipe), lines only.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where lines go. Cheap to clone.
#[derive(Clone)]
pub struct Screen {
    bars: MultiProgress,
    lines_to: Stream,
}

#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

impl Screen {
    /// For commands whose progress is what they are for.
    pub fn stdout() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        Self { bars, lines_to: Stream::Stdout }
    }

    /// For commands with a result, which goes to standard output alone.
    pub fn stderr() -> Self {
        Self { bars: MultiProgress::new(), lines_to: Stream::Stderr }
    }

    /// Whether somebody watches who can be shown something that changes.
    pub fn is_live(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// One line that stays.
    pub fn line(&self, line: impl AsRef<str>) {
        let line = line.as_ref();
        // A line that cannot be shown is no reason to stop: the reader has gone away.
        self.bars.suspend(|| match self.lines_to {
            Stream::Stdout => println!("{line}"),
            Stream::Stderr => eprintln!("{line}"),
        });
    }

    /// A spinner with the time passed, for as long as the result is kept; then a line with the time
    /// that it took.
    pub fn busy(&self, what: impl Into<String>) -> Busy {
        let what = what.into();
        let style = ProgressStyle::with_template("  {spinner} {msg} ({elapsed})")
            .expect("a valid template");
        let bar = ProgressBar::new_spinner().with_style(style).with_message(what.clone());
        let bar = self.bars.add(bar);
        bar.enable_steady_tick(Duration::from_millis(120));
        Busy { screen: self.clone(), bar, what, started: Instant::now() }
    }

    /// A text below all lines that can be changed, for as long as the result is kept.
    pub fn live(&self) -> Live {
        let style = ProgressStyle::with_template("{msg}").expect("a valid template");
        Live(self.bars.add(ProgressBar::new_spinner().with_style(style)))
    }

    /// The lines of the testbed go here too.
    pub fn testbed(&self) -> testbed::Progress {
        let screen = self.clone();
        testbed::Progress::to(move |line| screen.line(line))
    }
}

/// Something that takes its time, until this is dropped.
pub struct Busy {
    screen: Screen,
    bar: ProgressBar,
    what: String,
    started: Instant,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        // As the testbed tells its steps.
        let took = self.started.elapsed().as_millis();
        self.screen.line(format!("  {} ({took} ms)", self.what));
    }
}

/// A text that changes in place. Gone when dropped.
pub struct Live(ProgressBar);

impl Live {
    /// Shows this instead of what was shown before.
    pub fn show(&self, text: String) {
        self.0.set_message(text);
        self.0.tick();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
