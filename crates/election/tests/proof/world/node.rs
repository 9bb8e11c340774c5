//! One member with its machine's clocks and its link to the API server.

use std::collections::BTreeSet;
use std::time::Duration;

use duckduckgoose_election::clock::Reading;
use duckduckgoose_election::member::{Config, Member, Role};
use duckduckgoose_election::mutation::Mutation;
use duckduckgoose_election::record::Incarnation;
use duckduckgoose_election::timing::Timing;

use crate::world::Event;

/// What of a member's link to the API server is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Nothing that it sends arrives.
    pub requests_lost: bool,
    /// No answer to what it sends arrives.
    pub answers_lost: bool,
    /// The watch is silent without having ended.
    pub watch_silent: bool,
}

/// The clocks of a machine: rates since a moment of the world's true time.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    since: Duration,
    boottime: Duration,
    raw: Duration,
    /// Thousandths of the true rate at which the boot clock is slewed.
    slew: u32,
    /// Thousandths of the true rate at which the oscillator of both goes.
    drift: u32,
    /// How far the wall clock was set forward, in milliseconds.
    pub wall_ahead: i64,
}

/// A member on its machine.
pub struct Node {
    pub name: String,
    pub member: Member,
    pub link: Link,
    pub clocks: Clocks,
    /// A frozen process does nothing, but its clocks go on.
    pub frozen: bool,
    /// What waits for a frozen process.
    pub backlog: Vec<Event>,
    /// Attempts of which no outcome was told yet.
    pub awaited: BTreeSet<u64>,
    /// Counts watches: what an abandoned one had on its way does not arrive.
    pub watch: u64,
    /// Up to where in the server's history it has been told; `None` while it
    /// has no watch.
    pub told: Option<usize>,
    /// Counts wake-ups, so that an outdated one is not acted on.
    pub alarm: u64,
}

impl Node {
    /// Starts incarnation `nonce` of the pod `name`.
    pub fn start(name: &str, nonce: u32, jitter: u16, mutation: Option<Mutation>) -> Node {
        let me = Incarnation::new(name, &uid_of(name), &format!("run{nonce}")).unwrap();
        Node {
            name: name.to_owned(),
            member: Member::mutated(Config { me, timing: Timing::default(), jitter }, mutation),
            link: Link::default(),
            clocks: Clocks::true_ones(),
            frozen: false,
            backlog: Vec::new(),
            awaited: BTreeSet::new(),
            watch: u64::from(nonce) << 32,
            told: None,
            alarm: u64::from(nonce) << 32,
        }
    }

    /// What the clocks of its machine say at the world's true time.
    pub fn reading(&self, time: Duration) -> Reading {
        self.clocks.at(time)
    }

    /// What it would answer to somebody who asks now.
    pub fn role(&self, time: Duration) -> Role {
        self.member.role_at(&self.reading(time))
    }
}

/// The uid of the pod of this name.
pub fn uid_of(pod: &str) -> String {
    format!("uid-{pod}")
}

impl Clocks {
    fn true_ones() -> Clocks {
        let (boottime, raw) = (Duration::from_secs(1_000), Duration::from_secs(500));
        Clocks { since: Duration::ZERO, boottime, raw, slew: 1000, drift: 1000, wall_ahead: 0 }
    }

    /// From `time` on, the boot clock goes at `slew × drift` and the raw clock
    /// at `drift`, in thousandths of the true rate.
    pub fn set_rates(&mut self, time: Duration, slew: u32, drift: u32) {
        let now = self.at(time);
        let (boottime, raw) = (now.boottime, now.raw);
        *self = Clocks { since: time, boottime, raw, slew, drift, ..*self };
    }

    fn at(&self, time: Duration) -> Reading {
        let raw = (time - self.since) * self.drift / 1000;
        let boottime = self.boottime + raw * self.slew / 1000;
        let wall = (EPOCH + boottime).as_millis() as i64 + self.wall_ahead;
        let wall = Duration::from_millis(wall.max(0) as u64);
        Reading { boottime, raw: self.raw + raw, slept: Duration::ZERO, wall }
    }
}

const EPOCH: Duration = Duration::from_secs(1_700_000_000);
