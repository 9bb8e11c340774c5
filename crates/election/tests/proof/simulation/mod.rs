//! Simulation by seed: the shipped machines under random faults.
//!
//! A failing seed is printed with the command that replays it to the byte:
//! `SEED=<n> cargo test -p duckduckgoose-election --test proof simulation`. How many
//! seeds are run: `SEEDS=<n>`.

mod crowd;
mod figures;
mod killed;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use crate::world::World;
use crate::world::network::{Network, Weather};
use crate::world::node::{Link, Power, uid_of};
use duckduckgoose_election::lease::{HandOverOrder, Orders, RECORD};
use duckduckgoose_election::member::{Input, Role};
use duckduckgoose_election::mutation::Mutation;
use duckduckgoose_election::timing::Timing;
use figures::Figures;

#[test]
fn never_two_geese_and_one_again_after_the_faults() {
    let seeds = seeds(10_000);
    let mut figures = Figures::default();
    for seed in seeds.clone() {
        let run = std::panic::catch_unwind(|| Run::new(seed, None).run());
        let world = run.unwrap_or_else(|_| {
            panic!("seed {seed} failed; replay: SEED={seed} cargo test -p duckduckgoose-election --test proof simulation")
        });
        figures.add(Figures::of(&world));
    }
    println!("{} seeds: {figures}", seeds.end - seeds.start);
    assert!(
        figures.hand_overs + figures.take_overs >= seeds.end - seeds.start,
        "the worlds elect: a check of nothing proves nothing"
    );
}

#[test]
fn a_seed_gives_the_same_execution_every_time() {
    for seed in 0..20 {
        let [one, other] = [(); 2].map(|()| Run::new(seed, None).run());
        assert_eq!(one.log, other.log);
        assert_eq!(one.history(), other.history());
    }
}

/// `SEED` alone, or the first `SEEDS`, or the first so many.
fn seeds(usual: u64) -> Range<u64> {
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(usual),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// The first of these seeds that goes wrong when this rule is broken.
pub fn first_to_fail(mutation: Mutation, seeds: Range<u64>) -> Option<u64> {
    seeds
        .into_iter()
        .find(|seed| std::panic::catch_unwind(|| Run::new(*seed, Some(mutation)).run()).is_err())
}

/// One world, and the faults that its seed gives it.
struct Run {
    world: World,
    random: fastrand::Rng,
    pods: Vec<String>,
    copies: Vec<BTreeMap<String, String>>,
    longest: Duration,
    lease: Duration,
    machines_stop: bool,
}

impl Run {
    fn new(seed: u64, mutation: Option<Mutation>) -> Run {
        let mut random = fastrand::Rng::with_seed(seed);
        let pods = (0..random.usize(3..=7)).map(|n| format!("pond-{n}")).collect();
        let lease = Duration::from_secs(random.u64(2..10));
        let weather = if random.bool() { Weather::Fair } else { Weather::Foul };
        let network = Network::random(random.u64(..), weather);
        let world = World::with(network, mutation);
        let machines_stop = random.bool();
        Run { world, random, pods, copies: Vec::new(), longest: lease, lease, machines_stop }
    }

    /// Faults, then peace.
    fn run(mut self) -> World {
        self.order();
        for pod in self.pods.clone() {
            self.world.start(&pod, self.random.u16(..1000));
            self.set_rates(&pod);
        }
        for _ in 0..self.random.u8(20..=50) {
            let pause = Duration::from_millis(self.random.u64(1..3_000));
            self.world.run(pause);
            self.fault();
        }
        self.make_peace();
        self.world
    }

    fn fault(&mut self) {
        let pod = self.random.choice(self.pods.clone()).expect("there are pods");
        if !self.world.nodes.contains_key(&pod) {
            self.world.start(&pod, self.random.u16(..1000));
            return self.set_rates(&pod);
        }
        match self.random.u8(..22) {
            0 | 1 => self.world.node(&pod).link = self.broken_link(),
            2..=4 => self.world.heal(&pod),
            5 => self.world.lose_watch(&pod),
            6 => self.world.freeze(&pod, Power::Awake),
            20 => self.world.freeze(&pod, Power::Asleep),
            7 | 8 => self.world.thaw(&pod),
            9 => {
                let notice = Duration::from_millis(self.random.u64(100..8_000));
                self.world.kill(&pod, notice);
                if self.random.bool() {
                    // The kubelet starts the next one before it tells of the death.
                    self.world.start(&pod, self.random.u16(..1000));
                }
            }
            10 => self.tamper(),
            11 => self.world.keeper = None,
            19 => self.world.keeper_loses_watch(),
            12..=14 => self.order(),
            15 => self.world.ask(&pod, Input::HandOver),
            16 => self.world.ask(&pod, Input::ShutDown),
            17 => self.mislead(&pod),
            18 => self.set_rates(&pod),
            _ => {
                let hold = Duration::from_millis(self.random.u64(1..4_000));
                self.world.promise(&pod, hold);
            }
        }
    }

    /// A wall clock that is set wrong, or a virtual machine that stops with its
    /// clocks. Never both in one world: no clock shows a stop that a wrong wall
    /// clock makes up for.
    fn mislead(&mut self, pod: &str) {
        if self.machines_stop {
            self.world.freeze(pod, Power::Stopped);
        } else {
            self.world.node(pod).clocks.wall_ahead += self.random.i64(-20_000..20_000);
        }
    }

    /// Somebody else writes to the Lease.
    fn tamper(&mut self) {
        let Some(object) = self.world.server.object.clone() else {
            if let Some(copy) = self.random.choice(self.copies.clone()) {
                self.world.server.create(copy);
                self.world.server_changed();
            }
            return;
        };
        match self.random.u8(..5) {
            0 | 1 => self.copies.push(object.annotations),
            2 => self.world.server.delete(),
            3 => {
                if let Some(copy) = self.random.choice(self.copies.clone()) {
                    self.world.server.overwrite(copy);
                }
            }
            _ => {
                let mut annotations = object.annotations;
                annotations.insert(RECORD.to_owned(), "garbage".to_owned());
                self.world.server.overwrite(annotations);
            }
        }
        self.world.server_changed();
    }

    /// The operator wants something, and knows the longest lease beforehand.
    fn order(&mut self) {
        if self.random.u8(..4) == 0 {
            self.lease = Duration::from_secs(self.random.u64(2..10));
            self.longest = self.longest.max(self.lease);
        }
        let record =
            self.world.server.object.as_ref().and_then(|object| object.lease().record.ok());
        let mut successors: Vec<String> = self.pods.iter().map(|pod| uid_of(pod)).collect();
        self.random.shuffle(&mut successors);
        let one = |random: &mut fastrand::Rng, chance: u8| {
            (random.u8(..100) < chance).then(|| successors[0].clone())
        };
        let handover = one(&mut self.random, 40)
            .zip(record)
            .map(|(to, record)| HandOverOrder { to, term: record.term });
        let orders = Orders {
            timing: Some(Timing::new(self.lease, self.lease / 3).expect("within the bounds")),
            paused: self.random.u8(..100) < 10,
            fenced: one(&mut self.random, 10).into_iter().collect(),
            handover,
            successors,
        };
        self.world.keep(orders, self.longest);
    }

    /// Within the assumption about time: raw rates differ by less than 1 %
    /// between any two, a slew of up to 10 % either way.
    fn set_rates(&mut self, pod: &str) {
        let (slew, drift) = (self.random.u32(900..=1100), self.random.u32(996..=1004));
        let time = self.world.time;
        self.world.node(pod).clocks.set_rates(time, slew, drift);
    }

    fn broken_link(&mut self) -> Link {
        Link {
            requests_lost: self.random.bool(),
            answers_lost: self.random.bool(),
            watch_silent: self.random.bool(),
        }
    }

    /// No more faults: within two leases, and the slow messages that are yet
    /// on their way, there is one Goose.
    fn make_peace(&mut self) {
        for pod in self.pods.clone() {
            if self.world.nodes.contains_key(&pod) {
                self.world.lose(&pod);
            }
            self.world.start(&pod, self.random.u16(..1000));
        }
        let timing = Timing::new(self.lease, self.lease / 3).expect("within the bounds");
        let successors = self.pods.iter().map(|pod| uid_of(pod)).collect();
        let orders = Orders { timing: Some(timing), successors, ..Orders::default() };
        self.world.keep(orders, self.longest);
        self.world.run(self.longest * 2 + Duration::from_secs(30));
        let time = self.world.time;
        let geese = self.world.nodes.values().filter(|node| node.role(time) != Role::Duck).count();
        assert_eq!(geese, 1, "Geese in peace, after:\n{}", self.world.log.join("\n"));
    }
}
