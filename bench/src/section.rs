//! What was measured, beside what was aimed at.

use std::fmt;

use crate::sample::Sample;

/// One thing that was measured, of each contender.
#[derive(Clone, Debug)]
pub struct Section {
    /// What was measured, in a few words.
    pub title: String,
    /// How, and what is to be known about it.
    pub how: String,
    /// Of all values.
    pub unit: Unit,
    /// One for each contender.
    pub rows: Vec<Row>,
}

/// What was measured of one contender.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose it is.
    pub who: String,
    /// The values.
    pub sample: Sample,
    /// For how long two answered Goose at once, in milliseconds, where that was looked at.
    pub two_at_once: Option<Sample>,
    /// What was aimed at, if anything.
    pub goal: Option<Goal>,
}

/// What values are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Requests a second.
    PerSecond,
    /// Things that are counted.
    Count,
    /// Thousandths of one processor.
    Millicores,
    /// Mebibytes.
    Mebibytes,
    /// Millions of bytes.
    Megabytes,
}

/// Bounds that a sample is to keep; each only where it is set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Goal {
    /// Of the median.
    pub median: Option<f64>,
    /// Of the 99th percentile.
    pub p99: Option<f64>,
    /// Of the greatest.
    pub greatest: Option<f64>,
}

impl Goal {
    /// Whether a sample keeps all of them.
    pub fn is_met_by(&self, sample: &Sample) -> bool {
        let pairs = [
            (self.median, sample.median()),
            (self.p99, sample.p99()),
            (self.greatest, sample.greatest()),
        ];
        pairs.iter().all(|(goal, found)| match (goal, found) {
            (Some(goal), Some(found)) => found <= goal,
            (Some(_), None) => false,
            (None, _) => true,
        })
    }

    fn in_words(&self, unit: Unit) -> String {
        let bounds =
            [("median", self.median), ("p99", self.p99), ("always", self.greatest)].into_iter();
        let bounds = bounds.filter_map(|(which, goal)| Some((which, goal?)));
        bounds
            .map(|(which, goal)| format!("{which} ≤ {}", unit.tell(goal)))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Row {
    /// The cells of the row, as [`Section::head`] names them.
    pub fn cells(&self, section: &Section) -> Vec<String> {
        let unit = section.unit;
        let tell = |value: Option<f64>| value.map_or("–".to_owned(), |value| unit.tell(value));
        let mut cells = vec![
            self.who.clone(),
            self.sample.runs().to_string(),
            tell(self.sample.median()),
            tell(self.sample.p99()),
        ];
        if section.looks_at_two() {
            let two = self.two_at_once.as_ref().and_then(Sample::greatest);
            cells.push(match two {
                None => "–".to_owned(),
                Some(0.0) => "never".to_owned(),
                Some(longest) => {
                    let share = self.two_at_once.as_ref().map_or(0, Sample::above_zero);
                    format!("{share}×, {} at most", Unit::Milliseconds.tell(longest))
                }
            });
        }
        if section.has_goals() {
            cells.push(self.verdict(unit));
        }
        cells
    }

    fn verdict(&self, unit: Unit) -> String {
        let Some(goal) = self.goal else { return String::new() };
        let verdict = if goal.is_met_by(&self.sample) { "met" } else { "**missed**" };
        format!("{}: {verdict}", goal.in_words(unit))
    }
}

impl Section {
    /// What was measured, and how.
    pub fn new(title: &str, how: &str, unit: Unit, rows: Vec<Row>) -> Self {
        Self { title: title.to_owned(), how: how.to_owned(), unit, rows }
    }

    /// What stands above the cells.
    pub fn head(&self) -> Vec<&'static str> {
        let mut head = vec!["election, lease", "runs", "median", "p99"];
        if self.looks_at_two() {
            head.push("two at once");
        }
        if self.has_goals() {
            head.push("goal");
        }
        head
    }

    fn looks_at_two(&self) -> bool {
        self.rows.iter().any(|row| row.two_at_once.is_some())
    }

    fn has_goals(&self) -> bool {
        self.rows.iter().any(|row| row.goal.is_some())
    }
}

impl Unit {
    /// A value with its unit, in as many digits as mean something.
    pub fn tell(self, value: f64) -> String {
        match self {
            Self::Milliseconds if value >= 10_000.0 => format!("{:.2} s", value / 1000.0),
            Self::Milliseconds if value >= 100.0 => format!("{value:.0} ms"),
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::PerSecond => format!("{value:.2}/s"),
            Self::Count => format!("{value:.0}"),
            Self::Millicores => format!("{value:.2} millicores"),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Megabytes => format!("{value:.1} MB"),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Milliseconds => "milliseconds",
            Self::PerSecond => "requests a second",
            Self::Count => "number",
            Self::Millicores => "thousandths of a processor",
            Self::Mebibytes => "mebibytes",
            Self::Megabytes => "megabytes",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        values.iter().copied().collect()
    }

    fn row(values: &[f64], goal: Goal) -> Row {
        Row {
            who: "ours, 6 s".to_owned(),
            sample: sample(values),
            two_at_once: None,
            goal: Some(goal),
        }
    }

    #[test]
    fn every_bound_of_a_goal_counts() {
        let goal = Goal { median: Some(15.0), p99: Some(60.0), greatest: None };
        assert!(goal.is_met_by(&sample(&[8.0, 9.0, 60.0])));
        assert!(!goal.is_met_by(&sample(&[8.0, 9.0, 61.0])), "p99");
        assert!(!goal.is_met_by(&sample(&[8.0, 16.0, 60.0])), "median");
        assert!(!goal.is_met_by(&sample(&[])), "nothing was measured");
    }

    #[test]
    fn a_goal_stands_beside_what_was_measured() {
        let goal = Goal { median: Some(15.0), ..Goal::default() };
        let rows = vec![row(&[9.0], goal), row(&[16.5], goal)];
        let section = Section::new("", "", Unit::Milliseconds, rows.clone());
        assert_eq!(section.head(), ["election, lease", "runs", "median", "p99", "goal"]);
        assert_eq!(rows[0].cells(&section)[4], "median ≤ 15.0 ms: met");
        assert_eq!(rows[1].cells(&section)[4], "median ≤ 15.0 ms: **missed**");
    }

    #[test]
    fn two_at_once_is_told_with_its_share() {
        let two =
            Row { two_at_once: Some(sample(&[0.0, 7.25, 0.0])), ..row(&[1.0], Goal::default()) };
        let none = Row { two_at_once: Some(sample(&[0.0])), ..row(&[1.0], Goal::default()) };
        let section = Section::new("", "", Unit::Milliseconds, vec![two.clone(), none.clone()]);
        assert_eq!(two.cells(&section)[4], "1×, 7.2 ms at most");
        assert_eq!(none.cells(&section)[4], "never");
    }
}
