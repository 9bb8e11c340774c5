//! What a run proves.

use std::fmt::{self, Write};
use std::time::Duration;

use history::{Fault as Guilt, Gap, History, Reign};

use crate::record::{Record, Round};

/// What was found, and the figures.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What must not be, in the order of time.
    pub findings: Vec<Finding>,
    /// For each round, in the order of the record.
    pub rounds: Vec<Figures>,
    /// Reigns that ended although nothing was wrong, outside of all rounds.
    pub abdications_at_rest: usize,
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// When.
    pub at: Duration,
    /// What kind of thing.
    pub kind: Kind,
    /// In words.
    pub text: String,
}

/// What kind of thing must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Two Geese at one time, or in one term.
    TwoGeese,
    /// A term was answered after a greater one.
    TermWentBack,
    /// Two pods with the Goose's label.
    TwoLabels,
    /// A version of the Lease, or a label, that breaks a rule.
    Lease,
    /// No Goose again within the bound.
    Late,
    /// The cluster never came to rest.
    Restless,
}

/// What was measured in one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Pairs of Geese.
    pub two_geese: usize,
    /// The longest time without a Goose.
    pub without: Duration,
    /// How long after the heal there was one again: zero where one never stopped.
    pub again: Option<Duration>,
    /// Reigns that ended although nothing was done to the Goose.
    pub abdications: usize,
}

impl Verdict {
    /// Judges a run.
    pub fn of(record: &Record, history: &History) -> Self {
        let (reigns, gaps) = (history.reigns(), history.gaps());
        let mut findings = safety(record, history);
        let mut rounds = Vec::new();
        for round in &record.rounds {
            let figures = measure(record, round, &reigns, &gaps, &findings);
            findings.extend(liveness(round, &figures));
            rounds.push(figures);
        }
        findings.sort_by_key(|finding| finding.at);
        let abdications_at_rest = at_rest(record)
            .map(|(from, until)| abdications(&reigns, record.ended, from, until))
            .sum();
        Self { findings, rounds, abdications_at_rest }
    }

    /// Nothing was found.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }

    /// All reigns that ended although nothing was wrong.
    pub fn false_abdications(&self) -> usize {
        self.abdications_at_rest
            + self.rounds.iter().map(|figures| figures.abdications).sum::<usize>()
    }

    /// For people: what was found, each with the part of the history around it.
    pub fn in_words(&self, history: &History) -> String {
        if self.is_good() {
            return "never two Geese, and one again each time\n".to_owned();
        }
        let mut text = String::new();
        for finding in self.findings.iter().take(MOST_FINDINGS) {
            let excerpt = history.excerpt(finding.at, MARGIN);
            let _ = writeln!(text, "{finding}\n{excerpt}");
        }
        let _ = writeln!(text, "{} findings in all", self.findings.len());
        text
    }
}

/// What must never be, whatever is done.
fn safety(record: &Record, history: &History) -> Vec<Finding> {
    let verdict = history.verdict();
    let geese = verdict.geese.iter().map(|proof| {
        let kind = match proof.fault {
            Guilt::TwoGeese | Guilt::SharedTerm => Kind::TwoGeese,
            Guilt::TermWentBack => Kind::TermWentBack,
        };
        Finding { at: proof.other.first.asked, kind, text: proof.to_string() }
    });
    let labels = verdict.labels.iter().map(|two| Finding {
        at: two.at,
        kind: Kind::TwoLabels,
        text: two.to_string(),
    });
    let breaches = history.breaches(&record.by_hand);
    let breaches = breaches.iter().map(|breach| Finding {
        at: breach.at,
        kind: Kind::Lease,
        text: breach.to_string(),
    });
    geese.chain(labels).chain(breaches).collect()
}

fn liveness(round: &Round, figures: &Figures) -> Option<Finding> {
    let faults: Vec<_> = round.tried.iter().map(|tried| tried.planned.to_string()).collect();
    let faults = faults.join(" + ");
    if round.settled.is_none() {
        let text = format!("the cluster never came to rest after {faults}");
        return Some(Finding { at: round.healed, kind: Kind::Restless, text });
    }
    if figures.again.is_some_and(|again| again <= round.bound) {
        return None;
    }
    let again = figures.again.map_or("none at all".to_owned(), |again| {
        format!("one after {:.1} s", again.as_secs_f64())
    });
    let bound = round.bound.as_secs_f64();
    let text = format!("wanted a Goose within {bound:.1} s after {faults}, found {again}");
    Some(Finding { at: round.healed, kind: Kind::Late, text })
}

fn measure(
    record: &Record,
    round: &Round,
    reigns: &[Reign],
    gaps: &[Gap],
    findings: &[Finding],
) -> Figures {
    let until = round.settled.unwrap_or(record.ended);
    let within = |at: Duration| round.from <= at && at <= until;
    let two = findings.iter().filter(|finding| {
        matches!(finding.kind, Kind::TwoGeese | Kind::TermWentBack) && within(finding.at)
    });
    let gaps = gaps.iter().filter(|gap| gap.until >= round.from && gap.from <= until);
    let after = reigns.iter().filter(|reign| reign.last.asked >= round.healed);
    let again = after.map(|reign| reign.first.answered.saturating_sub(round.healed)).min();
    let abdications = if round.spares_the_goose() {
        abdications(reigns, record.ended, round.from, until)
    } else {
        0
    };
    Figures {
        two_geese: two.count(),
        without: gaps.map(Gap::length).max().unwrap_or_default(),
        again,
        abdications,
    }
}

/// Reigns that ended in a span. A reign that was heard of at the end of the run goes on.
fn abdications(reigns: &[Reign], ended: Duration, from: Duration, until: Duration) -> usize {
    let end = reigns.iter().map(|reign| reign.last.answered);
    end.filter(|&end| from < end && end < until && end + STILL_THERE < ended).count()
}

/// From when a round was over until the next one began.
fn at_rest(record: &Record) -> impl Iterator<Item = (Duration, Duration)> {
    let begins = record.rounds.iter().map(|round| round.from).chain([record.ended]);
    let rests = record.rounds.iter().map(|round| round.settled);
    [Some(record.began)]
        .into_iter()
        .chain(rests)
        .zip(begins)
        .filter_map(|(rest, begin)| Some((rest?, begin)))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

const MOST_FINDINGS: usize = 5;

/// Before and after a finding.
const MARGIN: Duration = Duration::from_secs(6);

/// Who answered so shortly before the end was still there.
const STILL_THERE: Duration = Duration::from_secs(1);
