//! What an action leads to.

use std::time::Duration;

use duckduckgoose_election::member::{Input, Outcome};

use super::state::{Machine, News, State};
use super::{Action, Pond, Reached};

impl Pond {
    /// What the action leads to; `None` where it changes nothing.
    pub fn after(&self, state: &State, action: &Action) -> Option<State> {
        let mut next = state.clone();
        let done = self.act(&mut next, action);
        if !done {
            return None;
        }
        self.settle(&mut next);
        self.judge(&mut next);
        let next = self.normal(next);
        (next != *state).then_some(next)
    }

    /// Does it. Whether it can be done.
    pub fn act(&self, state: &mut State, action: &Action) -> bool {
        use Action::*;
        match *action {
            Tick => self.tick(state),
            Wakes(i) => self.tell(state, i, Input::Tick),
            Arrives(i, request) => {
                let request = state.nodes[i].requests.remove(request);
                self.arrive(state, i, request);
            }
            ArrivesTwice(i, request) => {
                state.left.duplicates -= 1;
                let request = state.nodes[i].requests.remove(request);
                let attempt = request.write.record.attempt;
                self.arrive(state, i, request);
                // The second time it is on an old version.
                for (answered, outcome) in &mut state.nodes[i].answers {
                    if *answered == attempt {
                        *outcome = Outcome::Refused;
                    }
                }
            }
            Answered(i, answer) => {
                let (attempt, outcome) = state.nodes[i].answers.remove(answer);
                state.nodes[i].awaited.retain(|awaited| *awaited != attempt);
                self.tell(state, i, Input::Written { attempt, outcome });
            }
            TimesOut(i, attempt) => {
                state.left.timeouts -= 1;
                state.nodes[i].awaited.retain(|awaited| *awaited != attempt);
                state.nodes[i].answers.retain(|(answered, _)| *answered != attempt);
                let outcome = Outcome::Unknown { retry_after: Duration::ZERO };
                self.tell(state, i, Input::Written { attempt, outcome });
            }
            Sees(i) => self.see(state, i),
            SeesFirst(i) => {
                state.left.duplicates -= 1;
                let news = state.nodes[i].news[0].clone();
                self.see(state, i);
                state.nodes[i].news.insert(0, news);
            }
            Gap(i) => {
                state.left.gaps -= 1;
                state.nodes[i].news = vec![News::Read(state.store.lease(self.knows[i]))];
            }
            Crashes(i) => {
                state.left.crashes -= 1;
                self.crash(state, i);
            }
            Starts(i) => self.start(state, i),
            FallsAsleep(i) => {
                state.left.sleeps -= 1;
                state.nodes[i].machine = Machine::Asleep;
            }
            IsPaused(i) => {
                state.left.pauses -= 1;
                state.nodes[i].machine = Machine::Paused;
            }
            GoesOn(i) => state.nodes[i].machine = Machine::Running,
            HandsOver(i) => {
                state.left.hand_overs -= 1;
                self.note_giving_up(state, i);
                self.tell(state, i, Input::HandOver);
            }
            ShutsDown(i) => {
                state.left.shut_downs -= 1;
                self.note_giving_up(state, i);
                self.tell(state, i, Input::ShutDown);
            }
            Promises(i) => self.promise(state, i),
            KeeperSees(k) => state.keepers[k].see(),
            KeeperActs(k) => return self.keep(state, k),
            KeeperReleases(k) => return self.release_the_dead(state, k),
            KeeperLearns(k) => state.keepers[k].wanted = state.wanted.clone(),
            NoticesDeath(k, notice) => {
                let who = state.keepers[k].notices.remove(notice);
                state.keepers[k].deaths.died(&self.now(), who);
            }
            KeeperRestarts(k) => {
                state.left.gaps -= 1;
                let lease = state.store.lease(self.keepers_know);
                state.keepers[k].restart(lease);
            }
            Retimed => {
                state.left.retimings -= 1;
                state.wanted.timing = Some(self.other_timing);
                state.longest = state.longest.max(self.other_timing.lease());
            }
            HandOverOrdered | PauseOrdered | FenceOrdered(_) => self.order(state, action),
            _ => self.tamper(state, action),
        }
        true
    }

    fn tick(&self, state: &mut State) {
        self.let_time_pass(state);
        for index in 0..state.nodes.len() {
            if !self.slow.processes.contains(&index) {
                self.tell(state, index, Input::Tick);
            }
        }
    }

    fn crash(&self, state: &mut State, index: usize) {
        let node = &mut state.nodes[index];
        let member = node.member.take().expect("it lives");
        node.machine = Machine::Running;
        node.answers.clear();
        node.awaited.clear();
        node.news.clear();
        for keeper in &mut state.keepers {
            keeper.notices.push(member.me().clone());
        }
    }

    fn promise(&self, state: &mut State, index: usize) {
        let now = self.now();
        state.left.holds -= 1;
        let Some(member) = state.nodes[index].awake() else { return };
        if member.promise(&now, Duration::from_millis(self.hold)) {
            // Rule 11: the asker may be slewed by 10 % and drift by ρ.
            let counts_on = self.hold * 111 / 100;
            let giver = member.me().clone();
            state.judge.promises.push((giver, counts_on));
            self.note(Reached::PromiseGiven);
        }
        self.tell(state, index, Input::Tick);
    }
}
