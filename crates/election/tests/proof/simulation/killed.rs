//! The Goose's process killed again and again where nobody can confirm a death: no operator runs.

use std::collections::BTreeMap;
use std::time::Duration;

use duckduckgoose_election::lease::Orders;
use duckduckgoose_election::member::Role;
use duckduckgoose_election::timing::{Timing, stagger};

use crate::simulation::figures::in_words;
use crate::simulation::seeds;
use crate::world::World;
use crate::world::network::Network;
use crate::world::node::uid_of;

/// Rule 4 counts from when the last renewal was seen. So the first in line is next, a lease after it, unless it
/// came only later and read the Lease then: then it is the second one, which knows nothing of that, a stagger after.
#[test]
fn the_next_goose_comes_a_lease_after_the_last_renewal() {
    let (mut had_seen_it, mut came_later) = (Vec::new(), Vec::new());
    for seed in seeds(1_000) {
        let mut pond = Pond::new(seed);
        for _ in 0..KILLS {
            let killed = pond.kill_the_goose();
            let since = killed.since_renewal - LEASE;
            if killed.first_in_line_had_seen_it {
                assert!(killed.first_in_line_is_next, "seed {seed}");
                had_seen_it.push(since);
            } else {
                came_later.push(since);
            }
        }
    }
    println!("after the lease, the first in line took over: {}", in_words(&had_seen_it));
    println!("after the lease, where it came after the last renewal: {}", in_words(&came_later));
    let latest = |spans: &[Duration]| *spans.iter().max().expect("there were such kills");
    assert!(latest(&had_seen_it) <= MESSAGES);
    assert!(latest(&came_later) <= stagger(Some(1), 0, false) + MESSAGES);
    assert!(latest(&came_later) <= MARGIN, "wanted a stagger that is within the margin");
}

/// Three members on one Lease, in a line that nobody changes.
struct Pond {
    world: World,
    random: fastrand::Rng,
    started: BTreeMap<&'static str, Duration>,
}

/// What one kill led to.
struct Killed {
    /// From when the last renewal was sent until another one is Goose.
    since_renewal: Duration,
    first_in_line_had_seen_it: bool,
    first_in_line_is_next: bool,
}

impl Pond {
    fn new(seed: u64) -> Pond {
        let timing = Timing::new(LEASE, RENEWAL).expect("within the bounds");
        let mut world = World::with(Network::steady(), None);
        let successors = PODS.iter().map(|pod| uid_of(pod)).collect();
        world.keep(Orders { timing: Some(timing), successors, ..Orders::default() }, LEASE);
        world.run(MESSAGES);
        world.keeper = None;
        let random = fastrand::Rng::with_seed(seed);
        let mut pond = Pond { world, random, started: BTreeMap::new() };
        for pod in PODS {
            pond.start(pod);
        }
        pond.world.run(LEASE * 2);
        pond
    }

    /// At any moment. The pod is there again at any moment after that, before another one leads or after.
    fn kill_the_goose(&mut self) -> Killed {
        self.run_for_up_to(RENEWAL * 2);
        let goose = self.goose().expect("somebody leads");
        let term = self.world.history().last_term().expect("somebody has led");
        self.world.lose(goose);
        let first_in_line = PODS.into_iter().find(|pod| *pod != goose).expect("there are others");
        let started = self.started[first_in_line];

        self.world.run(MESSAGES);
        // Also what had left when the process died.
        let renewed = self.world.renewed;
        self.run_for_up_to(LEASE * 2);
        self.start(goose);
        while self.goose().is_none() {
            self.world.run(MESSAGES);
        }

        let next = self.world.history().first_goose_of_later_term(term).expect("somebody leads");
        Killed {
            since_renewal: next.answered - renewed,
            first_in_line_had_seen_it: started < renewed,
            first_in_line_is_next: self.goose() == Some(first_in_line),
        }
    }

    fn start(&mut self, pod: &'static str) {
        self.world.start(pod, self.random.u16(..1000));
        self.started.insert(pod, self.world.time);
    }

    fn run_for_up_to(&mut self, span: Duration) {
        self.world.run(span.mul_f64(self.random.f64()));
    }

    fn goose(&self) -> Option<&'static str> {
        let role = |pod| self.world.nodes.get(pod).map(|node| node.role(self.world.time));
        PODS.into_iter().find(|pod| matches!(role(*pod), Some(Role::Goose { .. })))
    }
}

const PODS: [&str; 3] = ["pond-0", "pond-1", "pond-2"];

const KILLS: usize = 5;

/// As `cargo xtask bench` measures it beside client-go's default.
const LEASE: Duration = Duration::from_secs(15);

const RENEWAL: Duration = Duration::from_secs(5);

/// How much later than a lease after the last renewal that benchmark has it at most.
const MARGIN: Duration = Duration::from_millis(50);

/// A renewal and its event, a taking and its answer: each takes 2 ms here.
const MESSAGES: Duration = Duration::from_millis(8);
