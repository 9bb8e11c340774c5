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
    /// Judges a run. Of an election that is not ours no more is judged than its answers say: whether two
    /// led at one time, and whether one led again in time.
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
        let abdications_at_rest =
            at_rest(record).map(|(from, until)| abdications(&reigns, from, until)).sum();
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
    let breaches = history.breaches(&record.by_hand, &record.stills());
    let breaches = breaches.iter().map(|breach| Finding {
        at: breach.at,
        kind: Kind::Lease,
        text: breach.to_string(),
    });
    let findings = geese.chain(labels).chain(breaches);
    let is_judged = |kind| record.cast.keeps_our_rules() || kind == Kind::TwoGeese;
    findings.filter(|finding| is_judged(finding.kind)).collect()
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
    let abdications =
        if round.spares_the_goose() { abdications(reigns, round.from, until) } else { 0 };
    Figures {
        two_geese: two.count(),
        without: gaps.map(Gap::length).max().unwrap_or_default(),
        again,
        abdications,
    }
}

/// Reigns that ended in a span. Whose last answer came just before its end went on: the next one was
/// kept from coming by what came then.
fn abdications(reigns: &[Reign], from: Duration, until: Duration) -> usize {
    let end = reigns.iter().map(|reign| reign.last.answered);
    end.filter(|&end| from < end && end + SILENCE < until).count()
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

/// An answer that is later than this is not waited for.
const SILENCE: Duration = Duration::from_millis(600);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use history::{Answer, Said};

    use super::*;
    use crate::cast::Cast;
    use crate::fault::Fault;
    use crate::record::Tried;
    use crate::schedule::{Aim, Planned, Schedule};

    const SECOND: Duration = Duration::from_secs(1);

    /// A Goose in this term from one second to another, ten answers in each.
    fn reign(member: &str, term: u64, from: u32, until: u32) -> Vec<Answer> {
        let at = |tenth: u32| Answer {
            member: member.into(),
            pod: member.into(),
            said: Said::Goose { term },
            asked: SECOND * tenth / 10,
            answered: SECOND * tenth / 10 + Duration::from_millis(1),
        };
        (from * 10..until * 10).map(at).collect()
    }

    fn round(fault: Fault, aim: Aim, from: u32, healed: u32, settled: Option<u32>) -> Round {
        let planned = Planned { fault, aim, after: SECOND, lasts: SECOND, pick: 0 };
        let bound = crate::fault::bound(&[fault], SECOND * 3);
        let settled = settled.map(|settled| SECOND * settled);
        let tried = vec![Tried { planned, failure: None }];
        let healed = SECOND * healed;
        Round { tried, from: SECOND * from, taken_back: healed, healed, bound, settled }
    }

    fn judged(rounds: Vec<Round>, reigns: &[Vec<Answer>]) -> Verdict {
        Verdict::of(&record(rounds), &history(reigns))
    }

    fn history(reigns: &[Vec<Answer>]) -> History {
        History { answers: reigns.concat(), ..History::default() }
    }

    fn record(rounds: Vec<Round>) -> Record {
        Record {
            elector: "shipped".to_owned(),
            cast: Cast::Ours,
            lease: SECOND * 3,
            members: 3,
            schedule: Schedule { seed: 1, rounds: Vec::new() },
            began: Duration::ZERO,
            rounds,
            ended: SECOND * 60,
            by_hand: BTreeSet::new(),
        }
    }

    fn kinds(verdict: &Verdict) -> Vec<Kind> {
        verdict.findings.iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn a_goose_that_is_replaced_in_time_is_fine() {
        let killed = round(Fault::Killed, Aim::Goose, 10, 10, Some(14));
        let verdict = judged(vec![killed], &[reign("a", 1, 0, 10), reign("b", 2, 13, 60)]);
        assert_eq!(kinds(&verdict), []);
        let figures = verdict.rounds[0];
        assert_eq!(figures.again.map(|again| again.as_secs()), Some(3));
        assert_eq!((figures.without.as_secs(), verdict.false_abdications()), (3, 0));
    }

    #[test]
    fn two_geese_are_found_and_count_for_their_round() {
        let killed = round(Fault::Killed, Aim::Goose, 10, 10, Some(20));
        let verdict = judged(vec![killed], &[reign("a", 1, 0, 15), reign("b", 2, 12, 60)]);
        assert_eq!(kinds(&verdict), [Kind::TwoGeese]);
        assert_eq!(verdict.rounds[0].two_geese, 1);
    }

    #[test]
    fn of_anothers_election_only_two_geese_count() {
        let peers = Record { cast: Cast::ClientGo, ..record(Vec::new()) };
        let kinds = |reigns: &[Vec<Answer>]| kinds(&Verdict::of(&peers, &history(reigns)));
        assert_eq!(kinds(&[reign("a", 2, 0, 10), reign("b", 1, 20, 30)]), []);
        assert_eq!(kinds(&[reign("a", 1, 0, 15), reign("b", 2, 12, 60)]), [Kind::TwoGeese]);
    }

    #[test]
    fn none_within_the_bound_is_found_and_so_is_no_rest() {
        let late = round(Fault::Killed, Aim::Goose, 10, 10, Some(30));
        let verdict = judged(vec![late], &[reign("a", 1, 0, 10), reign("b", 2, 29, 60)]);
        assert_eq!(kinds(&verdict), [Kind::Late]);
        let restless = round(Fault::Killed, Aim::Goose, 10, 10, None);
        assert_eq!(kinds(&judged(vec![restless], &[reign("a", 1, 0, 60)])), [Kind::Restless]);
    }

    #[test]
    fn who_steps_down_without_a_reason_is_counted() {
        let reigns = [reign("a", 1, 0, 12), reign("b", 2, 13, 40), reign("a", 3, 41, 60)];
        let spared = round(Fault::Killed, Aim::Duck, 10, 10, Some(20));
        let verdict = judged(vec![spared], &reigns);
        assert_eq!((verdict.rounds[0].abdications, verdict.abdications_at_rest), (1, 1));
        let hit = round(Fault::Killed, Aim::Goose, 10, 10, Some(20));
        assert_eq!(judged(vec![hit], &reigns).rounds[0].abdications, 0);
    }
}
