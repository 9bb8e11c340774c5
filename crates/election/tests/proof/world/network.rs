//! What is on its way, and when it arrives.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use crate::world::Event;

/// Messages and alarms in the order of their time.
pub struct Network {
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    events: BTreeMap<u64, (String, Event)>,
    next_id: u64,
    /// When the last message that keeps its order arrives at each member.
    last_in_order: BTreeMap<String, Duration>,
    /// Without it, every message takes as long as any other.
    random: Option<fastrand::Rng>,
    weather: Weather,
}

/// How long messages take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// As on a healthy cluster: a write takes 4 ms there and back at the median,
    /// 10 ms at p99; one of a thousand takes a tenth of a second.
    Fair,
    /// As on an overloaded one: 1 % take up to 8 s, 5 % up to 0.3 s.
    Foul,
}

impl Network {
    /// Every message takes 2 ms.
    pub fn steady() -> Network {
        Network {
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            next_id: 0,
            last_in_order: BTreeMap::new(),
            random: None,
            weather: Weather::Fair,
        }
    }

    /// Each message takes a time of its own.
    pub fn random(seed: u64, weather: Weather) -> Network {
        let random = Some(fastrand::Rng::with_seed(seed));
        Network { random, weather, ..Network::steady() }
    }

    /// The event happens at this time.
    pub fn at(&mut self, time: Duration, name: &str, event: Event) {
        let id = self.next_id;
        self.next_id += 1;
        self.events.insert(id, (name.to_owned(), event));
        self.queue.push(Reverse((time, id)));
    }

    /// The message leaves now, and arrives when it has travelled.
    pub fn travel(&mut self, now: Duration, name: &str, event: Event) {
        let arrives = now + self.latency();
        self.at(arrives, name, event);
    }

    /// As [`Network::travel`], but overtakes no other such message.
    pub fn travel_in_order(&mut self, now: Duration, name: &str, event: Event) {
        let earliest = self.last_in_order.get(name).copied().unwrap_or_default();
        let arrives = earliest.max(now + self.latency());
        self.last_in_order.insert(name.to_owned(), arrives);
        self.at(arrives, name, event);
    }

    /// The next event that happens not later than `end`.
    pub fn next_until(&mut self, end: Duration) -> Option<(Duration, String, Event)> {
        let &Reverse((at, id)) = self.queue.peek()?;
        if at > end {
            return None;
        }
        self.queue.pop();
        let (name, event) = self.events.remove(&id).expect("every queued event is stored");
        Some((at, name, event))
    }

    fn latency(&mut self) -> Duration {
        let Some(random) = &mut self.random else { return Duration::from_millis(2) };
        let micros = match (self.weather, random.u16(..1000)) {
            (Weather::Fair, 0) => random.u64(20_000..120_000),
            (Weather::Fair, 1..30) => random.u64(4_000..6_000),
            (Weather::Fair, _) => random.u64(1_000..3_000),
            (Weather::Foul, 0..10) => random.u64(100_000..8_000_000),
            (Weather::Foul, 10..60) => random.u64(10_000..300_000),
            (Weather::Foul, _) => random.u64(500..5_000),
        };
        Duration::from_micros(micros)
    }
}
