//! What was measured, beside what was aimed at.

use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use observer::Seen;

use super::table::wrongs;
use crate::image::{Built, Part, megabytes};

/// What was measured so far.
pub struct Figures {
    started: Instant,
    /// When all builds were done.
    built: Option<Instant>,
    /// When all acts were over; with `--lifetime` there are none.
    ended: Option<Instant>,
    /// Three nodes, from nothing to ready.
    pub cluster_up: Option<Duration>,
    /// Of each SIGTERM to the Goose's sidecar, until another answered.
    pub terminated: Vec<Duration>,
    /// Of `kubectl delete pod`, until another answered.
    pub deleted: Option<Duration>,
    /// Of a kill, until another answered.
    pub killed: Option<Duration>,
    /// Of a cut, until another answered.
    pub cut: Option<Duration>,
    /// How long before another said Goose the isolated one had said Duck; negative where after.
    pub stepped_down_before: Option<i128>,
    /// Of the sidecar that had been running for the longest.
    pub memory: Option<Memory>,
    /// Bytes.
    pub sidecar_image: Option<u64>,
}

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Resident, in bytes.
    pub resident: u64,
    /// How long it had run.
    pub after: Duration,
}

impl Figures {
    /// The demo begins now.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            built: None,
            ended: None,
            cluster_up: None,
            terminated: Vec::new(),
            deleted: None,
            killed: None,
            cut: None,
            stepped_down_before: None,
            memory: None,
            sidecar_image: None,
        }
    }

    /// The images are there, and with them all builds are done: what counts as warm begins.
    pub fn note_images(&mut self, images: &[Built]) {
        let sidecar = images.iter().find(|image| image.part == Part::Sidecar);
        self.sidecar_image = sidecar.map(|image| image.size);
        self.built = Some(Instant::now());
    }

    /// All acts are over.
    pub fn end(&mut self) {
        self.ended = Some(Instant::now());
    }

    /// One row for each figure that there is.
    pub fn render(&self, seen: &Seen) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["", "MEASURED", "GOAL", ""]);
        for Row { what, measured, goal, reached } in self.rows(seen) {
            let verdict = if reached { "" } else { "MISSED" };
            table.add_row([what, measured, goal, verdict.to_owned()]);
        }
        if let Some(measured) = table.column_mut(1) {
            measured.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }

    fn took(&self, since: Option<Instant>) -> Option<Duration> {
        Some(self.ended?.duration_since(since?))
    }

    fn rows(&self, seen: &Seen) -> Vec<Row> {
        let rows = [
            self.cluster_up.map(|took| Row::time("cluster up", took, Some(CLUSTER_UP))),
            self.took(self.built).map(|took| Row::time("demo, without builds", took, Some(DEMO))),
            self.took(Some(self.started))
                .map(|took| Row::time("demo, with builds", took, Some(DEMO_COLD))),
            median(&self.terminated).map(|took| {
                let what = format!("hand-over on SIGTERM, median of {}", self.terminated.len());
                Row::time(&what, took, Some(HAND_OVER))
            }),
            self.deleted.map(|took| Row::time("hand-over on kubectl delete pod", took, None)),
            self.killed.map(|took| Row::time("take-over from a killed Goose", took, None)),
            self.cut.map(|took| Row::time("take-over from an isolated Goose", took, None)),
            self.stepped_down_before.map(Row::stepped_down),
            self.memory.map(Row::memory),
            self.sidecar_image.map(Row::image),
            Some(Row::two_geese(seen)),
        ];
        rows.into_iter().flatten().collect()
    }
}

struct Row {
    what: String,
    measured: String,
    goal: String,
    reached: bool,
}

impl Row {
    fn time(what: &str, took: Duration, goal: Option<Duration>) -> Self {
        Self {
            what: what.to_owned(),
            measured: in_words(took),
            goal: goal.map(|goal| format!("≤ {}", in_words(goal))).unwrap_or_default(),
            reached: goal.is_none_or(|goal| took <= goal),
        }
    }

    fn stepped_down(milliseconds: i128) -> Self {
        Self {
            what: "isolated Goose said Duck before another said Goose".to_owned(),
            measured: format!("{milliseconds} ms"),
            goal: "> 0 ms".to_owned(),
            reached: milliseconds > 0,
        }
    }

    fn memory(memory: Memory) -> Self {
        let Memory { resident, after } = memory;
        let mebibytes = resident as f64 / f64::from(1 << 20);
        Self {
            what: format!("sidecar resident, after {}", in_words(after)),
            measured: format!("{mebibytes:.1} MiB"),
            goal: format!("≤ {MEMORY:.1} MiB after 10 min"),
            reached: mebibytes <= MEMORY,
        }
    }

    fn image(bytes: u64) -> Self {
        let megabytes = megabytes(bytes);
        Self {
            what: "sidecar image".to_owned(),
            measured: format!("{megabytes:.1} MB"),
            goal: format!("≤ {IMAGE:.1} MB"),
            reached: megabytes <= IMAGE,
        }
    }

    fn two_geese(seen: &Seen) -> Self {
        let count = wrongs(seen).len();
        Self {
            what: format!("two Geese at one time, in {} answers", seen.history.answers.len()),
            measured: if count == 0 { "never".to_owned() } else { format!("{count} times") },
            goal: "never".to_owned(),
            reached: count == 0,
        }
    }
}

/// The middle one; of an even number the higher of the two.
pub fn median(times: &[Duration]) -> Option<Duration> {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied()
}

/// Three digits or so, in the unit that fits.
pub fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{} ms", time.as_millis()),
        10..120 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

const CLUSTER_UP: Duration = Duration::from_secs(30);
const DEMO: Duration = Duration::from_secs(3 * 60);
/// On a fresh machine with two cores.
const DEMO_COLD: Duration = Duration::from_secs(25 * 60);
const HAND_OVER: Duration = Duration::from_millis(100);
/// Mebibytes: of issue 7, with all that the sidecar does. Issue 4 had 5 for one that only answered for its role.
const MEMORY: f64 = 6.0;
/// Megabytes.
const IMAGE: f64 = 7.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let times = [30, 10, 20].map(Duration::from_millis);
        assert_eq!(median(&times), Some(Duration::from_millis(20)));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        assert_eq!(in_words(Duration::from_millis(6_012)), "6012 ms");
        assert_eq!(in_words(Duration::from_millis(17_340)), "17.3 s");
        assert_eq!(in_words(Duration::from_secs(200)), "3 min 20 s");
    }

    #[test]
    fn a_missed_goal_is_said() {
        let figures = Figures { cluster_up: Some(Duration::from_secs(31)), ..Figures::new() };
        assert!(figures.render(&Seen::default()).contains("MISSED"));
        let figures = Figures { cluster_up: Some(Duration::from_secs(30)), ..Figures::new() };
        assert!(!figures.render(&Seen::default()).contains("MISSED"));
    }
}
