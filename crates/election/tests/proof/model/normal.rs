//! Time passes by moving everything else back; numbers are renamed in their
//! order. So states that behave the same are the same.

use std::time::Duration;

use duckduckgoose_election::canonical::{Canonical, Renaming};
use duckduckgoose_election::clock::{Instant, Reading};
use duckduckgoose_election::lease::Orders;
use duckduckgoose_election::member::Outcome;
use duckduckgoose_election::mutation::Mutation;
use duckduckgoose_election::record::Incarnation;

use super::state::{Machine, News, State};
use super::{Pond, Rates};

/// Milliseconds that pass in one tick on each clock of a machine.
struct Passes {
    boottime: u64,
    raw: u64,
    slept: u64,
    wall: u64,
}

impl Pond {
    /// One tick, on every machine's own clocks.
    pub fn let_time_pass(&self, state: &mut State) {
        for (node, rates) in state.nodes.iter_mut().zip(&self.rates) {
            let Rates { boottime, raw } = *rates;
            let passes = match node.machine {
                Machine::Running => Passes { boottime, raw, slept: 0, wall: boottime },
                // The kernel knows how long it slept by the oscillator that drifts.
                Machine::Asleep => Passes { boottime, raw: 0, slept: raw, wall: boottime },
                Machine::Paused => Passes { boottime: 0, raw: 0, slept: 0, wall: boottime },
            };
            self.move_back(&mut node.member, passes);
        }
        for keeper in &mut state.keepers {
            let (boottime, raw, wall) = (self.tick, self.tick, self.tick);
            self.move_back(&mut keeper.deaths, Passes { boottime, raw, slept: 0, wall });
        }
        for (_, left) in &mut state.judge.promises {
            *left = left.saturating_sub(self.tick);
        }
        state.judge.promises.retain(|(_, left)| *left > 0);
    }

    fn move_back(&self, part: &mut impl Canonical, passes: Passes) {
        let now = self.now();
        let by = Reading {
            boottime: Duration::from_millis(passes.boottime),
            raw: Duration::from_millis(passes.raw),
            slept: Duration::from_millis(passes.slept),
            wall: Duration::from_millis(passes.wall),
        };
        // Older than any lease, it does not matter how old.
        let longest = self.timing.lease().max(self.other_timing.lease());
        let floor = now.raw - longest - Duration::from_millis(self.tick);
        part.canonical(&mut MoveBack { now, by, floor });
    }

    /// The state with the smallest numbers that behave the same.
    pub fn normal(&self, mut state: State) -> State {
        let mut numbers = Collect::default();
        each_part(&mut state, &mut numbers);
        // The next version is greater than all others. Where terms are counted,
        // they may differ by one for a reason.
        let counted = self.mutation == Some(Mutation::TermIsPlusOne);
        let versions = renamed(numbers.versions, if counted { 2 } else { 1 });
        let attempts = renamed_each(numbers.attempts);
        let incarnations = numbers.incarnations;
        each_part(&mut state, &mut Rename { now: self.now(), versions, incarnations, attempts });
        state
    }
}

/// Hands over every part that has numbers in it.
fn each_part(state: &mut State, renaming: &mut dyn Renaming) {
    renaming.version(&mut state.store.revision);
    for object in [&mut state.store.object, &mut state.copy].into_iter().flatten() {
        renaming.version(&mut object.version);
        if let Ok(record) = &mut object.record {
            record.canonical(renaming);
        }
        each_term(&mut object.orders, renaming);
    }
    each_term(&mut state.wanted, renaming);
    for node in &mut state.nodes {
        node.member.canonical(renaming);
        for request in &mut node.requests {
            renaming.version(&mut request.write.version);
            request.write.record.canonical(renaming);
        }
        let me = node.member.as_ref().map(|member| member.me().clone());
        for (attempt, outcome) in &mut node.answers {
            renaming.attempt(me.as_ref(), attempt);
            if let Outcome::Applied(lease) = outcome {
                lease.canonical(renaming);
            }
        }
        for attempt in &mut node.awaited {
            renaming.attempt(me.as_ref(), attempt);
        }
        node.news.canonical(renaming);
    }
    for keeper in &mut state.keepers {
        keeper.cache.canonical(renaming);
        keeper.news.canonical(renaming);
        keeper.deaths.canonical(renaming);
        each_term(&mut keeper.wanted, renaming);
    }
    let judge = &mut state.judge;
    let reign = judge.reign.as_mut().map(|(term, _)| term);
    let gave_up = judge.gave_up.as_mut().map(|(_, term)| term);
    for term in [reign, gave_up].into_iter().flatten() {
        renaming.version(term);
    }
}

fn each_term(orders: &mut Orders, renaming: &mut dyn Renaming) {
    if let Some(order) = &mut orders.handover {
        renaming.version(&mut order.term);
    }
}

impl Canonical for News {
    fn canonical(&mut self, renaming: &mut dyn Renaming) {
        match self {
            News::Read(lease) => lease.canonical(renaming),
            News::Written(lease) => lease.canonical(renaming),
            News::Deleted => {}
        }
    }
}

/// New names for these numbers, in their order: neighbours stay neighbours, and
/// a gap becomes no wider than `gap`. Zero stays zero.
fn renamed(mut numbers: Vec<u64>, gap: u64) -> Vec<(u64, u64)> {
    numbers.push(0);
    numbers.sort_unstable();
    numbers.dedup();
    let mut name = 0;
    let mut before = 0;
    let names = numbers.into_iter().map(|number| {
        name += (number - before).min(gap);
        before = number;
        (number, name)
    });
    names.collect()
}

/// New names for the attempts of each incarnation, in their order.
fn renamed_each(mut attempts: Vec<Attempt>) -> Vec<(Attempt, u64)> {
    attempts.sort_unstable();
    attempts.dedup();
    let mut before: Option<(Attempt, u64)> = None;
    let names = attempts.into_iter().map(|attempt| {
        let name = match before {
            Some((known, name)) if known.0 == attempt.0 => name + 1,
            // Zero, that of a quarantine and of nothing written yet, stays zero.
            _ => attempt.1.min(1),
        };
        before = Some((attempt, name));
        (attempt, name)
    });
    names.collect()
}

/// Whose it is, by its place among the incarnations, and its number.
type Attempt = (Option<usize>, u64);

/// The place of this incarnation among those that were met.
fn place(incarnations: &[Incarnation], of: Option<&Incarnation>) -> Option<usize> {
    incarnations.iter().position(|known| Some(known) == of)
}

#[derive(Default)]
struct Collect {
    versions: Vec<u64>,
    incarnations: Vec<Incarnation>,
    attempts: Vec<Attempt>,
}

struct Rename {
    now: Reading,
    versions: Vec<(u64, u64)>,
    incarnations: Vec<Incarnation>,
    attempts: Vec<(Attempt, u64)>,
}

struct MoveBack {
    now: Reading,
    by: Reading,
    floor: Duration,
}

impl Renaming for Collect {
    fn version(&mut self, version: &mut u64) {
        self.versions.push(*version);
    }
    fn attempt(&mut self, of: Option<&Incarnation>, attempt: &mut u64) {
        let mut whose = place(&self.incarnations, of);
        if let (Some(new), None) = (of, whose) {
            whose = Some(self.incarnations.len());
            self.incarnations.push(new.clone());
        }
        self.attempts.push((whose, *attempt));
    }
    fn instant(&mut self, _: &mut Instant) {}
    fn reading(&mut self, _: &mut Reading) {}
    fn now(&self) -> Reading {
        Reading {
            boottime: Duration::ZERO,
            raw: Duration::ZERO,
            slept: Duration::ZERO,
            wall: Duration::ZERO,
        }
    }
}

impl Renaming for Rename {
    fn version(&mut self, version: &mut u64) {
        *version = name_of(*version, &self.versions);
    }
    fn attempt(&mut self, of: Option<&Incarnation>, attempt: &mut u64) {
        let number = (place(&self.incarnations, of), *attempt);
        let index = self.attempts.binary_search_by(|(known, _)| known.cmp(&number));
        *attempt = self.attempts[index.expect("every number was collected")].1;
    }
    fn instant(&mut self, _: &mut Instant) {}
    fn reading(&mut self, _: &mut Reading) {}
    fn now(&self) -> Reading {
        self.now
    }
}

impl Renaming for MoveBack {
    fn version(&mut self, _: &mut u64) {}
    fn attempt(&mut self, _: Option<&Incarnation>, _: &mut u64) {}
    fn instant(&mut self, instant: &mut Instant) {
        instant.move_back(self.by.instant(), self.floor);
    }
    fn reading(&mut self, reading: &mut Reading) {
        let back = |clock: Duration, by: Duration| clock.saturating_sub(by).max(self.floor);
        *reading = Reading {
            boottime: back(reading.boottime, self.by.boottime),
            raw: back(reading.raw, self.by.raw),
            slept: back(reading.slept, self.by.slept),
            wall: back(reading.wall, self.by.wall),
        };
    }
    fn now(&self) -> Reading {
        self.now
    }
}

fn name_of(number: u64, names: &[(u64, u64)]) -> u64 {
    let index = names.binary_search_by_key(&number, |(number, _)| *number);
    names[index.expect("every number was collected")].1
}
