//! Which faults come when: all of it follows from a seed.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, bound};

/// The rounds of a run, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// What it follows from.
    pub seed: u64,
    /// Each is followed by a rest.
    pub rounds: Vec<Vec<Planned>>,
}

/// One fault of a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What is done.
    pub fault: Fault,
    /// To whom, where it is done to one member.
    pub aim: Aim,
    /// How long after the round's start.
    pub after: Duration,
    /// How long until it is healed.
    pub lasts: Duration,
    /// Chooses where the fault has a choice.
    pub pick: u64,
}

/// Whom a fault is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aim {
    /// Whoever is Goose at that time.
    Goose,
    /// One of the others.
    Duck,
}

impl Schedule {
    /// So many minutes of rounds: of these faults, one to three at a time, or of a single one alone.
    pub fn draw(seed: u64, minutes: f64, faults: &[Fault], lease: Duration) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut deck = Deck { of: faults.to_vec(), left: Vec::new() };
        let (mut rounds, mut length) = (Vec::new(), Duration::ZERO);
        while length < Duration::from_secs_f64(minutes * 60.0) {
            let round = draw_round(&mut deck, lease, &mut chance);
            length += length_of(&round, lease);
            rounds.push(round);
        }
        Self { seed, rounds }
    }
}

/// Every fault comes before one comes again.
struct Deck {
    of: Vec<Fault>,
    left: Vec<Fault>,
}

impl Deck {
    /// The next one that goes together with these.
    fn draw(&mut self, with: &[Planned], chance: &mut fastrand::Rng) -> Option<Fault> {
        if self.left.is_empty() {
            self.left.clone_from(&self.of);
            chance.shuffle(&mut self.left);
        }
        let fits = |fault: &Fault| with.iter().all(|other| other.fault.realm() != fault.realm());
        let found = self.left.iter().rposition(fits)?;
        Some(self.left.remove(found))
    }
}

fn draw_round(deck: &mut Deck, lease: Duration, chance: &mut fastrand::Rng) -> Vec<Planned> {
    let count = if deck.of.len() == 1 { 1 } else { [1, 1, 2, 3][chance.usize(..4)] };
    let mut round = Vec::new();
    for number in 0..count {
        let Some(fault) = deck.draw(&round, chance) else { break };
        let after = if number == 0 { 0.0 } else { chance.f64() };
        let span = SPANS[chance.usize(..SPANS.len())];
        round.push(Planned {
            fault,
            aim: if chance.f64() < SHARE_OF_THE_GOOSE { Aim::Goose } else { Aim::Duck },
            after: lease.mul_f64(after),
            lasts: lease.mul_f64(if fault.is_instant() { 0.0 } else { span }),
            pick: chance.u64(..),
        });
    }
    round
}

/// About how long a round takes, with the rest after it.
fn length_of(round: &[Planned], lease: Duration) -> Duration {
    let end = |planned: &Planned| planned.after + planned.lasts + planned.fault.takes();
    let last = round.iter().map(end).max();
    let faults: Vec<_> = round.iter().map(|planned| planned.fault).collect();
    last.unwrap_or_default() + bound(&faults, lease) / 2 + REST
}

impl Planned {
    /// Whether it must not cost the Goose its role: it hits another, or nothing that any rule reads.
    pub fn spares_the_goose(&self) -> bool {
        let hits_a_duck =
            self.fault.is_aimed() && self.aim == Aim::Duck && self.fault != Fault::AnswersDelayed;
        let is_harmless = matches!(
            self.fault,
            Fault::MirrorEdited
                | Fault::OperatorAbsent
                | Fault::OperatorFrozen
                | Fault::GreedyTenant
        );
        hits_a_duck || is_harmless
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, round) in self.rounds.iter().enumerate() {
            let faults: Vec<_> = round.iter().map(Planned::to_string).collect();
            writeln!(f, "{:4}  {}", number + 1, faults.join(" + "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, aim, after, lasts, .. } = self;
        write!(f, "{fault}")?;
        if fault.is_aimed() {
            let aim = match aim {
                Aim::Goose => "goose",
                Aim::Duck => "duck",
            };
            write!(f, " of a {aim}")?;
        }
        if !after.is_zero() {
            write!(f, " after {:.1} s", after.as_secs_f64())?;
        }
        if !lasts.is_zero() {
            write!(f, " for {:.1} s", lasts.as_secs_f64())?;
        }
        Ok(())
    }
}

/// Between two rounds: whoever is Goose then has no reason to stop.
pub const REST: Duration = Duration::from_secs(2);

/// In leases.
const SPANS: [f64; 4] = [0.5, 1.0, 1.5, 3.0];

/// To spare it shows whether it goes on.
const SHARE_OF_THE_GOOSE: f64 = 0.75;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::VariantArray;

    use super::*;

    const LEASE: Duration = Duration::from_secs(3);

    #[test]
    fn the_same_seed_gives_the_same_schedule() {
        let draw = |seed| Schedule::draw(seed, 20.0, Fault::VARIANTS, LEASE);
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7).rounds, draw(8).rounds);
    }

    #[test]
    fn a_long_run_tries_every_fault_and_no_round_two_of_a_realm() {
        let schedule = Schedule::draw(1, 30.0, Fault::VARIANTS, LEASE);
        let tried: BTreeSet<_> =
            schedule.rounds.iter().flatten().map(|planned| planned.fault).collect();
        assert_eq!(tried.len(), Fault::VARIANTS.len());
        for round in &schedule.rounds {
            let realms: Vec<_> = round.iter().map(|planned| planned.fault.realm()).collect();
            let is_double = |index: usize| realms[..index].contains(&realms[index]);
            assert!(!(0..realms.len()).any(is_double), "{round:?}");
        }
    }

    #[test]
    fn only_one_fault_is_only_that() {
        let schedule = Schedule::draw(1, 2.0, &[Fault::Killed], LEASE);
        assert!(schedule.rounds.len() > 5);
        assert!(schedule.rounds.iter().all(|round| round.len() == 1));
        assert!(schedule.rounds.iter().flatten().all(|planned| planned.fault == Fault::Killed));
    }
}
