//! Worlds of many members where little is broken: what an election costs.
//!
//! `MEMBERS=<n>` and `SEEDS=<n>` run other ones; a failing one is replayed by
//! `MEMBERS=<n> SEED=<n>`.

use std::time::Duration;

use duckduckgoose_election::lease::Orders;
use duckduckgoose_election::member::{Input, Role};
use duckduckgoose_election::timing::Timing;

use crate::simulation::figures::{Figures, in_words};
use crate::simulation::{number, seeds};
use crate::world::World;
use crate::world::network::{Network, Weather};
use crate::world::node::uid_of;

#[test]
fn a_hand_over_costs_as_few_writes_among_a_thousand_as_among_three() {
    let sizes = match number("MEMBERS") {
        Some(members) => vec![(members, seeds(1))],
        None => vec![(3, 0..20), (100, 0..3), (1_000, 0..1)],
    };
    for (members, seeds) in sizes {
        let mut cost = Cost::default();
        for seed in seeds {
            let run = std::panic::catch_unwind(|| Crowd::new(seed, members).run());
            cost.add(run.unwrap_or_else(|_| {
                panic!("failed; replay: MEMBERS={members} SEED={seed} {COMMAND}")
            }));
        }
        println!("{members} members: {cost}");
        assert_eq!(cost.figures.abdications(), 0, "nothing took the role from a Goose that lives");
        assert!(cost.writes_per_hand_over() <= MOST_WRITES, "wanted release, taking, renewal");
    }
}

/// What a run has cost.
#[derive(Default)]
struct Cost {
    figures: Figures,
    /// Writes of members while the role was handed over, of each time.
    writes: Vec<u64>,
    handed_over: Vec<Duration>,
    died: Vec<Duration>,
    crashed: Vec<Duration>,
}

impl Cost {
    fn add(&mut self, other: Cost) {
        self.figures.add(other.figures);
        self.writes.extend(other.writes);
        self.handed_over.extend(other.handed_over);
        self.died.extend(other.died);
        self.crashed.extend(other.crashed);
    }

    fn writes_per_hand_over(&self) -> f64 {
        self.writes.iter().sum::<u64>() as f64 / self.writes.len() as f64
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let worst = self.writes.iter().max().copied().unwrap_or_default();
        write!(
            f,
            "{:.2} writes per hand-over ({worst} at most); without a Goose when handed over: {}; \
             after a confirmed death, told after 300 ms: {}; after a crash: {}",
            self.writes_per_hand_over(),
            in_words(&self.handed_over),
            in_words(&self.died),
            in_words(&self.crashed)
        )
    }
}

struct Crowd {
    world: World,
    pods: Vec<String>,
    random: fastrand::Rng,
    cost: Cost,
}

impl Crowd {
    fn new(seed: u64, members: u64) -> Crowd {
        let mut random = fastrand::Rng::with_seed(seed);
        let network = Network::random(random.u64(..), Weather::Fair);
        let pods = (0..members).map(|n| format!("pond-{n}")).collect();
        Crowd { world: World::with(network, None), pods, random, cost: Cost::default() }
    }

    fn run(mut self) -> Cost {
        self.order();
        for pod in self.pods.clone() {
            self.world.start(&pod, self.random.u16(..1000));
        }
        self.world.run(Timing::default().lease() * 2);
        for _ in 0..5 {
            self.hand_over();
        }
        for _ in 0..3 {
            let gap = self.after_losing_the_goose(Some(Duration::from_millis(300)));
            self.cost.died.push(gap);
        }
        let gap = self.after_losing_the_goose(None);
        self.cost.crashed.push(gap);
        self.cost.figures = Figures::of(&self.world);
        self.cost
    }

    /// At any moment, also soon after another one.
    fn hand_over(&mut self) {
        let goose = self.goose();
        let writes = self.world.writes;
        let gaps = self.world.history().gaps().len();
        self.world.ask(&goose, Input::HandOver);
        self.world.run(SETTLED);
        self.cost.writes.push(self.world.writes - writes);
        let gap = self.gap(gaps);
        self.cost.handed_over.push(gap);
        self.order();
        self.world.run(Duration::from_millis(self.random.u64(..6_000)));
    }

    /// How long there is no Goose when its process dies, and its death is told
    /// after `notice`, or not at all. The pod comes back as another incarnation.
    fn after_losing_the_goose(&mut self, notice: Option<Duration>) -> Duration {
        self.world.run(Duration::from_millis(self.random.u64(..6_000)));
        let goose = self.goose();
        let gaps = self.world.history().gaps().len();
        match notice {
            Some(notice) => self.world.kill(&goose, notice),
            None => drop(self.world.lose(&goose)),
        }
        self.world.run(Timing::default().lease() * 2);
        self.world.start(&goose, self.random.u16(..1000));
        self.order();
        self.world.run(Duration::from_secs(3));
        self.gap(gaps)
    }

    /// The time without a Goose that came after so many others.
    fn gap(&self, before: usize) -> Duration {
        let gap = self.world.history().gaps().get(before).copied();
        let log = &self.world.log;
        let recent = log.len().saturating_sub(60);
        gap.unwrap_or_else(|| panic!("nobody took over, after:\n{}", log[recent..].join("\n")))
            .length()
    }

    /// The operator names who is next, as it does after each change.
    fn order(&mut self) {
        let goose = self.leader();
        let others = self.pods.iter().filter(|pod| Some(*pod) != goose.as_ref());
        let successors = others.take(4).map(|pod| uid_of(pod)).collect();
        let timing = Some(Timing::default());
        self.world.keep(Orders { timing, successors, ..Orders::default() }, LONGEST);
    }

    fn goose(&self) -> String {
        self.leader().expect("somebody leads")
    }

    fn leader(&self) -> Option<String> {
        let time = self.world.time;
        let mut nodes = self.world.nodes.values();
        nodes.find(|node| node.role(time) != Role::Duck).map(|node| node.name.clone())
    }
}

const COMMAND: &str = "cargo test -p duckduckgoose-election --test proof crowd";

const LONGEST: Duration = Duration::from_secs(6);

/// By then a hand-over is over, and the next renewal is not due yet.
const SETTLED: Duration = Duration::from_millis(1_500);

/// Release, taking, renewal; and now and then one that comes second.
const MOST_WRITES: f64 = 3.5;
