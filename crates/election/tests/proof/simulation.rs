//! Simulation by seed: the shipped machines under random faults.
//!
//! A failing seed is printed with the command that replays it to the byte:
//! `SEED=<n> cargo test -p duckduckgoose-election --test proof simulation`. How many
//! seeds are run: `SEEDS=<n>`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::world::World;
use crate::world::network::Network;
use crate::world::node::{Link, uid_of};
use duckduckgoose_election::lease::{HandOverOrder, Orders, RECORD};
use duckduckgoose_election::member::{Input, Role};
use duckduckgoose_election::mutation::Mutation;
use duckduckgoose_election::timing::Timing;

#[test]
fn never_two_geese_and_one_again_after_the_faults() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(10_000),
    };
    let mut figures = Figures::default();
    for seed in seeds.clone() {
        let run = std::panic::catch_unwind(|| Run::new(seed, None).run());
        figures.add(&run.unwrap_or_else(|_| {
            panic!("seed {seed} failed; replay: SEED={seed} cargo test -p duckduckgoose-election --test proof simulation")
        }));
    }
    println!("{} seeds: {figures}", seeds.end - seeds.start);
    assert!(
        figures.took_free + figures.took_over >= seeds.end - seeds.start,
        "the worlds elect: a check of nothing proves nothing"
    );
}

/// What happened in a run, counted from its log.
#[derive(Default)]
struct Figures {
    took_free: u64,
    took_over: u64,
    took_own: u64,
    ran_out: u64,
    clocks_suspected: u64,
}

impl Figures {
    fn of(log: &[String]) -> Figures {
        let ends = |with: &str| log.iter().filter(|line| line.ends_with(with)).count() as u64;
        Figures {
            took_free: ends(": TookFree"),
            took_over: ends(": TookOver"),
            took_own: ends(": TookOwn"),
            ran_out: ends("Duck: Deadline"),
            clocks_suspected: ends("Duck: ClockSuspected"),
        }
    }

    fn add(&mut self, other: &Figures) {
        self.took_free += other.took_free;
        self.took_over += other.took_over;
        self.took_own += other.took_own;
        self.ran_out += other.ran_out;
        self.clocks_suspected += other.clocks_suspected;
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} hand-overs, {} take-overs, {} times its own again, {} times a Goose's time ran \
             out, {} times its clocks were suspected",
            self.took_free, self.took_over, self.took_own, self.ran_out, self.clocks_suspected
        )
    }
}

/// The first of these seeds that goes wrong when this rule is broken.
pub fn first_to_fail(mutation: Mutation, seeds: std::ops::Range<u64>) -> Option<u64> {
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
}

impl Run {
    fn new(seed: u64, mutation: Option<Mutation>) -> Run {
        let mut random = fastrand::Rng::with_seed(seed);
        let pods = (0..random.usize(2..=5)).map(|n| format!("pond-{n}")).collect();
        let lease = Duration::from_secs(random.u64(2..10));
        let network = Network::random(random.u64(..));
        let world = World::with(network, mutation);
        Run { world, random, pods, copies: Vec::new(), longest: lease, lease }
    }

    /// Faults, then peace.
    fn run(mut self) -> Figures {
        self.order();
        for pod in self.pods.clone() {
            self.world.start(&pod, self.random.u16(..1000));
            self.set_rates(&pod);
        }
        for _ in 0..40 {
            let pause = Duration::from_millis(self.random.u64(1..3_000));
            self.world.run(pause);
            self.fault();
        }
        self.make_peace();
        Figures::of(&self.world.log)
    }

    fn fault(&mut self) {
        let pod = self.random.choice(self.pods.clone()).expect("there are pods");
        if !self.world.nodes.contains_key(&pod) {
            self.world.start(&pod, self.random.u16(..1000));
            return self.set_rates(&pod);
        }
        match self.random.u8(..21) {
            0 | 1 => self.world.node(&pod).link = self.broken_link(),
            2..=4 => self.world.heal(&pod),
            5 => self.world.lose_watch(&pod),
            6 => self.world.node(&pod).frozen = true,
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
            17 => self.world.node(&pod).clocks.wall_ahead += self.random.i64(-20_000..20_000),
            18 => self.set_rates(&pod),
            _ => {
                let hold = Duration::from_millis(self.random.u64(1..4_000));
                self.world.promise(&pod, hold);
            }
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
