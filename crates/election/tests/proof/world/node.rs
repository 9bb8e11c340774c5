//! One member with its machine's clocks and its link to the API server.

use std::collections::BTreeSet;
use std::sync::Arc;
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
    slept: Duration,
    pub power: Power,
    /// Thousandths of the true rate at which the boot clock is slewed.
    slew: u32,
    /// Thousandths of the true rate at which the oscillator of both goes.
    drift: u32,
    /// How far the wall clock was set forward, in milliseconds.
    pub wall_ahead: i64,
}

/// What the machine does, as far as its clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    Awake,
    /// Suspended: the boot clock counts on, told by the hardware.
    Asleep,
    /// A virtual machine that was stopped with its clocks.
    Stopped,
}

/// A member on its machine.
pub struct Node {
    pub name: String,
    pub member: Member,
    /// Who it is in the history: the incarnation.
    pub answers_as: Arc<str>,
    /// It was Goose when it was last asked.
    pub has_led: bool,
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
            answers_as: me.to_string().into(),
            has_led: false,
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

    /// What it would answer to somebody who asks now. A machine that is stopped
    /// with its clocks answers nothing; one that is asleep might wake now.
    pub fn role(&self, time: Duration) -> Role {
        if self.clocks.power == Power::Stopped {
            return Role::Duck;
        }
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
        Clocks {
            since: Duration::ZERO,
            boottime,
            raw,
            slept: Duration::ZERO,
            power: Power::Awake,
            slew: 1000,
            drift: 1000,
            wall_ahead: 0,
        }
    }

    /// From `time` on, the boot clock goes at `slew × drift` and the raw clock
    /// at `drift`, in thousandths of the true rate.
    pub fn set_rates(&mut self, time: Duration, slew: u32, drift: u32) {
        *self = Clocks { slew, drift, ..self.from(time) };
    }

    /// From `time` on, the machine is awake, asleep or stopped. The wall clock
    /// of one that was stopped is set right when it goes on.
    pub fn set_power(&mut self, time: Duration, power: Power) {
        let away = if self.power == Power::Stopped { time - self.since } else { Duration::ZERO };
        let wall_ahead = self.wall_ahead + away.as_millis() as i64;
        *self = Clocks { power, wall_ahead, ..self.from(time) };
    }

    /// The same clocks, counted from `time`.
    fn from(&self, time: Duration) -> Clocks {
        let now = self.at(time);
        let Reading { boottime, raw, slept, .. } = now;
        Clocks { since: time, boottime, raw, slept, ..*self }
    }

    fn at(&self, time: Duration) -> Reading {
        let passed = time - self.since;
        let (raw, slept) = match self.power {
            Power::Awake => (passed * self.drift / 1000, Duration::ZERO),
            Power::Asleep => (Duration::ZERO, passed),
            Power::Stopped => (Duration::ZERO, Duration::ZERO),
        };
        let boottime = self.boottime + raw * self.slew / 1000 + slept;
        let wall = (EPOCH + boottime).as_millis() as i64 + self.wall_ahead;
        let wall = Duration::from_millis(wall.max(0) as u64);
        Reading { boottime, raw: self.raw + raw, slept: self.slept + slept, wall }
    }
}

const EPOCH: Duration = Duration::from_secs(1_700_000_000);
