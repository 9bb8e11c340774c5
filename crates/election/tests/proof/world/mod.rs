//! A small world for the shipped machines: virtual time, an API server with
//! compare-and-swap, members with clocks and links of their own.
//!
//! After every event the world asks every member for its role, also a frozen
//! and a cut-off one, and judges (`judge.rs`).

pub mod judge;
mod keeping;
pub mod network;
pub mod node;
pub mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use duckduckgoose_election::keeper::DeathWatch;
use duckduckgoose_election::lease::Orders;
use duckduckgoose_election::member::{Input, Outcome, Output, Role, Write};
use duckduckgoose_election::mutation::Mutation;
use duckduckgoose_election::record::Incarnation;
use history::History;
use judge::Judge;
use network::Network;
use node::{Node, Power};
use server::{Change, Object, Server};

/// What is going to happen to whom.
pub enum Event {
    Tick { alarm: u64 },
    Arrives { write: Write, sent: Duration },
    Answered { attempt: u64, outcome: Outcome },
    Told { watch: u64, change: Change },
    ReadAgain { watch: u64 },
    ReadAnswered { watch: u64, object: Option<Object>, told: usize },
    KeeperLooks,
    KeeperTold { change: Change },
    DeathSeen { who: Incarnation },
    KeeperReleases,
}

/// The world.
pub struct World {
    pub time: Duration,
    pub server: Server,
    pub nodes: BTreeMap<String, Node>,
    /// What the operator wants, and the longest lease ever used; `None` while
    /// no operator runs.
    pub keeper: Option<(Orders, Duration)>,
    deaths: DeathWatch,
    keeper_told: usize,
    /// What happened since it was last taken, a line each.
    pub log: Vec<String>,
    network: Network,
    judge: Judge,
    incarnations: u32,
    /// How many writes of members have arrived, whatever became of them.
    pub writes: u64,
    /// When the write was sent that was the last one applied: `renewTime`, by the true time.
    pub renewed: Duration,
    /// The rule that is broken, in every machine of this world.
    mutation: Option<Mutation>,
}

impl World {
    /// A world on this network, with this rule broken.
    pub fn with(network: Network, mutation: Option<Mutation>) -> World {
        World {
            time: Duration::ZERO,
            server: Server::default(),
            nodes: BTreeMap::new(),
            keeper: None,
            deaths: DeathWatch::mutated(mutation),
            keeper_told: 0,
            log: Vec::new(),
            network,
            judge: Judge::default(),
            incarnations: 0,
            writes: 0,
            renewed: Duration::ZERO,
            mutation,
        }
    }

    /// Starts a new incarnation of the pod, with its first read.
    pub fn start(&mut self, name: &str, jitter: u16) {
        self.incarnations += 1;
        let node = Node::start(name, self.incarnations, jitter, self.mutation);
        self.nodes.insert(name.to_owned(), node);
        self.read(name);
    }

    /// The process is gone, with what it had in its hands. Nobody is told.
    pub fn lose(&mut self, name: &str) -> Incarnation {
        let node = self.nodes.remove(name).unwrap_or_else(|| panic!("there is no {name}"));
        node.member.me().clone()
    }

    /// The process is gone, and after `notice` its termination message is seen.
    pub fn kill(&mut self, name: &str, notice: Duration) {
        let who = self.lose(name);
        self.network.at(self.time + notice, "", Event::DeathSeen { who });
    }

    /// What the members answered so far.
    pub fn history(&self) -> &History {
        &self.judge.history
    }

    pub fn node(&mut self, name: &str) -> &mut Node {
        self.nodes.get_mut(name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// Gives an input from outside the election: hand over, shut down.
    pub fn ask(&mut self, name: &str, input: Input) {
        self.handle(name, input);
    }

    /// Asks the member to promise that it stays Goose for `hold`.
    pub fn promise(&mut self, name: &str, hold: Duration) -> bool {
        let time = self.time;
        let node = self.node(name);
        // A machine that is stopped with its clocks answers nothing.
        if node.clocks.power == Power::Stopped {
            return false;
        }
        let now = node.reading(time);
        let granted = node.member.promise(&now, hold);
        if granted {
            let giver = node.member.me().clone();
            self.judge.note_promise(time, giver, hold);
        }
        self.handle(name, Input::Tick);
        granted
    }

    /// The link works again: what was held back is told, without a gap.
    pub fn heal(&mut self, name: &str) {
        self.node(name).link = Default::default();
        self.tell(name);
    }

    /// The watch ends, and what happened meanwhile is not told: a fresh read.
    pub fn lose_watch(&mut self, name: &str) {
        self.node(name).link = Default::default();
        self.read(name);
    }

    /// The process stands still, and its machine with it, if it is not awake.
    pub fn freeze(&mut self, name: &str, power: Power) {
        let time = self.time;
        let node = self.node(name);
        node.frozen = true;
        node.clocks.set_power(time, power);
    }

    /// A thawed process finds all that waited for it at once.
    pub fn thaw(&mut self, name: &str) {
        let time = self.time;
        let node = self.node(name);
        node.frozen = false;
        node.clocks.set_power(time, Power::Awake);
        let waiting = std::mem::take(&mut node.backlog);
        self.handle(name, Input::Tick);
        for event in waiting {
            self.happen(name, event);
        }
    }

    /// Something happened to the server from outside.
    pub fn server_changed(&mut self) {
        self.tell_all();
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.time + span;
        while let Some((at, name, event)) = self.network.next_until(end) {
            self.time = self.time.max(at);
            self.happen(&name, event);
            self.check();
        }
        self.time = end;
        self.check();
    }

    fn happen(&mut self, name: &str, event: Event) {
        match event {
            Event::KeeperLooks => return self.keeper_looks(),
            Event::KeeperTold { change } => return self.keeper_told(change),
            Event::DeathSeen { who } => return self.death_seen(who),
            Event::KeeperReleases => return self.keeper_releases(),
            Event::Arrives { write, sent } => return self.write_arrives(name, write, sent),
            _ => {}
        }
        let Some(node) = self.nodes.get_mut(name) else { return };
        if node.frozen {
            return node.backlog.push(event);
        }
        match event {
            Event::Tick { alarm } if alarm == node.alarm => self.handle(name, Input::Tick),
            Event::Answered { attempt, outcome } if node.awaited.remove(&attempt) => {
                self.handle(name, Input::Written { attempt, outcome });
            }
            Event::Told { watch, change } if watch == node.watch => {
                let input = match change {
                    Change::Written(object) => Input::Watched(object.lease()),
                    Change::Deleted => Input::Deleted,
                };
                self.handle(name, input);
            }
            Event::ReadAgain { watch } if watch == node.watch => self.read(name),
            Event::ReadAnswered { watch, object, told } if watch == node.watch => {
                node.told = Some(told);
                self.handle(name, Input::Read(object.map(|object| object.lease())));
                self.tell(name);
            }
            // Outdated: an alarm that was set anew, an answer after the
            // time-out, what an abandoned watch had on its way.
            _ => {}
        }
    }

    fn handle(&mut self, name: &str, input: Input) {
        let time = self.time;
        let node = self.node(name);
        let now = node.reading(time);
        let outputs = node.member.handle(now, input);
        for output in outputs {
            match output {
                Output::Write(write) => self.send(name, write),
                Output::Resync => {
                    self.say(name, "reads again");
                    self.read(name);
                }
                Output::Became(role, cause) => {
                    self.say(name, &format!("becomes {}: {cause:?}", in_words(role)));
                }
            }
        }
        let node = self.node(name);
        node.alarm += 1;
        let alarm = node.alarm;
        if let Some(wait) = node.member.wake(&node.reading(time)) {
            // A slow clock wakes early and asks again: never a busy loop.
            let wait = wait.max(Duration::from_millis(1));
            self.network.at(time + wait, name, Event::Tick { alarm });
        }
    }

    /// A write leaves: it arrives and is answered, unless the link loses it;
    /// without an answer in time, its outcome is unknown.
    fn send(&mut self, name: &str, write: Write) {
        let record = &write.record;
        let attempt = record.attempt;
        let what = match (&record.holder, record.term == write.version) {
            (None, _) => format!("releases term {}", record.term),
            (Some(_), true) => format!("takes version {}", record.term),
            (Some(_), false) => format!("renews term {}", record.term),
        };
        self.say(name, &format!("{what}, attempt {attempt}"));
        let time = self.time;
        let node = self.node(name);
        node.awaited.insert(attempt);
        let lost = node.link.requests_lost;
        let outcome = Outcome::Unknown { retry_after: Duration::ZERO };
        self.network.at(time + write.timeout, name, Event::Answered { attempt, outcome });
        if !lost {
            self.network.travel(time, name, Event::Arrives { write, sent: time });
        }
    }

    fn write_arrives(&mut self, name: &str, write: Write, sent: Duration) {
        self.writes += 1;
        let attempt = write.record.attempt;
        let outcome = match self.server.write_record(&write.uid, write.version, &write.record) {
            Some(lease) => {
                self.renewed = sent;
                self.judge.note_written(self.time, &write.record, self.nodes.get(name), &self.log);
                Outcome::Applied(lease)
            }
            None => Outcome::Refused,
        };
        if self.nodes.get(name).is_some_and(|node| !node.link.answers_lost) {
            self.network.travel(self.time, name, Event::Answered { attempt, outcome });
        }
        self.tell_all();
    }

    /// Leaves the watch and reads afresh; without an answer, again after a second.
    fn read(&mut self, name: &str) {
        let time = self.time;
        let (object, told) = (self.server.object.clone(), self.server.history.len());
        let node = self.node(name);
        node.watch += 1;
        node.told = None;
        let watch = node.watch;
        if node.link.requests_lost || node.link.answers_lost {
            let again = time + Duration::from_secs(1);
            self.network.at(again, name, Event::ReadAgain { watch });
        } else {
            self.network.travel(time, name, Event::ReadAnswered { watch, object, told });
        }
    }

    fn tell_all(&mut self) {
        for name in self.nodes.keys().cloned().collect::<Vec<_>>() {
            self.tell(&name);
        }
        self.tell_keeper();
    }

    /// Sends what is new on the member's watch, in order.
    fn tell(&mut self, name: &str) {
        let end = self.server.history.len();
        let time = self.time;
        let node = self.node(name);
        let Some(begin) = node.told.filter(|_| !node.link.watch_silent) else { return };
        node.told = Some(end);
        let watch = node.watch;
        for change in self.server.history[begin..].iter().cloned() {
            self.network.travel_in_order(time, name, Event::Told { watch, change });
        }
    }

    fn say(&mut self, who: &str, what: &str) {
        self.log.push(format!("{:8.3} {who} {what}", self.time.as_secs_f64()));
    }

    fn check(&mut self) {
        self.judge.judge(self.time, self.nodes.values_mut(), &self.log);
    }
}

/// `Goose in term 7`, `Duck`.
pub fn in_words(role: Role) -> String {
    match role {
        Role::Goose { term } => format!("Goose in term {term}"),
        Role::Duck => "Duck".to_owned(),
    }
}
