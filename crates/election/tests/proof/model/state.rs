//! What a state of the model is made of.

use std::time::Duration;

use duckduckgoose_election::clock::Reading;
use duckduckgoose_election::keeper::DeathWatch;
use duckduckgoose_election::lease::{Lease, Orders};
use duckduckgoose_election::member::{Config, Member, Outcome, Role, Write};
use duckduckgoose_election::record::Incarnation;

use super::store::{Object, Store};
use super::{Action, Pond};

/// All that matters for what may happen next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub store: Store,
    pub nodes: Vec<Node>,
    pub keepers: Vec<Keeper>,
    /// What a backup tool has.
    pub copy: Option<Object>,
    /// What the user wants of the members, and the longest lease ever wanted.
    pub wanted: Orders,
    pub longest: Duration,
    /// How many faults of each kind there may yet be.
    pub left: Faults,
    pub judge: Judge,
}

/// A member with its machine, and what is on its way from and to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    pub runs: u8,
    /// `None` after it died, until it is started again.
    pub member: Option<Member>,
    pub machine: Machine,
    pub requests: Vec<Request>,
    pub answers: Vec<(u64, Outcome)>,
    /// The attempts whose outcome the driver waits for.
    pub awaited: Vec<u64>,
    /// What its watch has yet to tell.
    pub news: Vec<News>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Machine {
    Running,
    /// Suspended: its raw clock stands still.
    Asleep,
    /// A virtual machine that stands still with both clocks. The wall clock is
    /// set right when it goes on.
    Paused,
}

/// A write on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    pub by: Incarnation,
    pub write: Write,
}

/// What a watch tells, or the read that it begins with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    Read(Option<Lease>),
    Written(Lease),
    Deleted,
}

/// An operator's replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keeper {
    pub cache: Option<Lease>,
    pub news: Vec<News>,
    pub deaths: DeathWatch,
    /// Termination messages that it will yet see.
    pub notices: Vec<Incarnation>,
    /// What it believes the user wants.
    pub wanted: Orders,
}

/// How many of each there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    pub timeouts: u8,
    pub gaps: u8,
    pub crashes: u8,
    pub sleeps: u8,
    pub pauses: u8,
    pub deletions: u8,
    pub copies: u8,
    pub restores: u8,
    pub touches: u8,
    pub short_edits: u8,
    pub garbage: u8,
    pub stripped_stamps: u8,
    pub hand_overs: u8,
    pub shut_downs: u8,
    pub holds: u8,
    pub retimings: u8,
    pub duplicates: u8,
    pub hand_over_orders: u8,
    pub pause_orders: u8,
    pub fence_orders: u8,
}

/// What later moments are judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Judge {
    /// The last Goose and its term.
    pub reign: Option<(u64, Incarnation)>,
    /// Who promised, and for how many milliseconds its asker yet counts on it.
    pub promises: Vec<(Incarnation, u64)>,
    /// Who gave its role up last, by index, and in which term.
    pub gave_up: Option<(usize, u64)>,
    pub violation: Option<&'static str>,
}

impl Pond {
    /// What every clock says, in every state.
    pub fn now(&self) -> Reading {
        Reading { boottime: NOW, raw: NOW, slept: NOW, wall: NOW }
    }

    /// Nothing was ever there.
    pub fn cold(&self) -> State {
        let keeper = Keeper {
            cache: None,
            news: Vec::new(),
            deaths: DeathWatch::mutated(self.mutation),
            notices: Vec::new(),
            wanted: self.orders(),
        };
        let mut state = State {
            store: Store::default(),
            nodes: (0..self.members).map(|_| Node::empty()).collect(),
            keepers: vec![keeper; self.keepers],
            copy: None,
            wanted: self.orders(),
            longest: self.timing.lease(),
            left: self.faults,
            judge: Judge::default(),
        };
        for index in 0..self.members {
            self.start(&mut state, index);
        }
        self.normal(state)
    }

    /// The first member leads, and all others follow.
    pub fn warm(&self) -> State {
        let quiet = Pond {
            next_in_line: Some(0),
            slow: Default::default(),
            rates: self.rates.clone(),
            seen: Default::default(),
            ..*self
        };
        let mut state = quiet.cold();
        for _ in 0..20 {
            for keeper in 0..self.keepers {
                state = quiet.after(&state, &Action::KeeperActs(keeper)).unwrap_or(state);
            }
            if state.judge.reign.is_some() {
                break;
            }
            state = quiet.after(&state, &Action::Tick).expect("time always passes");
        }
        assert!(state.judge.reign.is_some(), "the warm start has a Goose: {state:#?}");
        // From here on, somebody else is next in line.
        state.wanted = self.orders();
        for keeper in &mut state.keepers {
            keeper.wanted = self.orders();
        }
        while let Some(next) = quiet.after(&state, &Action::KeeperActs(0)) {
            state = next;
        }
        state.left = self.faults;
        state
    }

    /// Starts another incarnation of this member.
    pub fn start(&self, state: &mut State, index: usize) {
        let node = &mut state.nodes[index];
        node.runs += 1;
        let me = incarnation(index, node.runs);
        let config = Config { me, timing: self.timing, jitter: 0 };
        node.member = Some(Member::mutated(config, self.mutation));
        node.news = vec![News::Read(state.store.lease(self.knows[index]))];
    }

    /// What the user wants at first. Who is next in line waits exactly as long
    /// as it must.
    fn orders(&self) -> Orders {
        let successors = self.next_in_line.map(uid_of).into_iter().collect();
        Orders { timing: Some(self.timing), successors, ..Orders::default() }
    }
}

impl Node {
    fn empty() -> Node {
        Node {
            runs: 0,
            member: None,
            machine: Machine::Running,
            requests: Vec::new(),
            answers: Vec::new(),
            awaited: Vec::new(),
            news: Vec::new(),
        }
    }

    /// The member, where there is one that can do anything.
    pub fn awake(&mut self) -> Option<&mut Member> {
        self.member.as_mut().filter(|_| self.machine == Machine::Running)
    }

    /// What it would answer to somebody who asks now: nobody gets an answer
    /// from a dead process or a machine that stands still.
    pub fn role(&self, pond: &Pond) -> Role {
        match &self.member {
            Some(member) if self.machine == Machine::Running => member.role_at(&pond.now()),
            _ => Role::Duck,
        }
    }
}

/// The given run of the member with this index.
pub fn incarnation(index: usize, run: u8) -> Incarnation {
    let pod = ["a", "b", "c"][index];
    Incarnation::new(pod, &uid_of(index), &run.to_string()).expect("plain parts")
}

pub fn uid_of(index: usize) -> String {
    ["ua", "ub", "uc"][index].to_owned()
}

/// Far enough from zero for the longest lease to fit before it.
const NOW: Duration = Duration::from_secs(100);
