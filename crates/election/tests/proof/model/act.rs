//! What may happen next, and what it leads to.

use std::time::Duration;

use duckduckgoose_election::keeper::{Chore, mutated_chore};
use duckduckgoose_election::lease::{HandOverOrder, Lease};
use duckduckgoose_election::member::{Cause, Input, Outcome, Output, Role};
use duckduckgoose_election::record::{Record, Unreadable};

use super::state::{Keeper, Machine, News, Request, State, uid_of};
use super::store::Object;
use super::{
    ALL_COMES_TO_REST, GIVEN_UP_IS_OVER, PROMISES_ARE_KEPT, Pond, Reached, STOPPED_BEFORE_RELEASED,
    TERMS_RISE,
};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time passes, for all.
    Tick,
    /// A slow process notices that time has passed.
    Wakes(usize),
    /// A request arrives at the API server.
    Arrives(usize, usize),
    /// A request arrives, and once more; what is answered is the second time.
    ArrivesTwice(usize, usize),
    /// An answer arrives.
    Answered(usize, usize),
    /// An answer did not come in time. What was asked for may yet be done.
    TimesOut(usize, u64),
    /// The watch tells the next thing.
    Sees(usize),
    /// The watch tells something, and will tell it again.
    SeesFirst(usize),
    /// The watch broke: a fresh read.
    Gap(usize),
    Crashes(usize),
    Starts(usize),
    FallsAsleep(usize),
    IsPaused(usize),
    GoesOn(usize),
    HandsOver(usize),
    ShutsDown(usize),
    /// Somebody asks for a hold.
    Promises(usize),
    KeeperSees(usize),
    KeeperActs(usize),
    KeeperReleases(usize),
    KeeperLearns(usize),
    /// A keeper sees the termination message of an incarnation.
    NoticesDeath(usize, usize),
    /// Another keeper takes its place, and knows nothing.
    KeeperRestarts(usize),
    Deleted,
    Saved,
    Restored,
    /// Somebody writes a label.
    Touched,
    /// Somebody makes the record's duration a millisecond.
    ShortEdit,
    Garbage,
    StampStripped,
    /// The user wants another timing; the status tells the longest beforehand.
    Retimed,
    /// The user wants the Goose to hand over to the one that is next in line.
    HandOverOrdered,
    /// The user wants nobody to take over, or has wanted it for long enough.
    PauseOrdered,
    /// The user wants this member to stay a Duck, or no longer.
    FenceOrdered(usize),
}

impl Pond {
    pub fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        use Action::*;
        let left = state.left;
        let mut may = |times: u8, action| {
            if times > 0 {
                actions.push(action);
            }
        };
        may(1, Tick);
        for (index, node) in state.nodes.iter().enumerate() {
            for request in 0..node.requests.len() {
                may(1, Arrives(index, request));
                may(left.duplicates, ArrivesTwice(index, request));
            }
            let Some(member) = &node.member else {
                may(1, Starts(index));
                continue;
            };
            may(left.crashes, Crashes(index));
            if node.machine != Machine::Running {
                may(1, GoesOn(index));
                continue;
            }
            may(u8::from(self.slow.processes.contains(&index)), Wakes(index));
            for answer in 0..node.answers.len() {
                may(1, Answered(index, answer));
            }
            for attempt in &node.awaited {
                may(left.timeouts, TimesOut(index, *attempt));
            }
            may(u8::from(!node.news.is_empty()), Sees(index));
            may(left.duplicates.min(u8::from(!node.news.is_empty())), SeesFirst(index));
            may(left.gaps, Gap(index));
            may(left.sleeps, FallsAsleep(index));
            may(left.pauses, IsPaused(index));
            may(left.shut_downs, ShutsDown(index));
            if member.role_at(&self.now()) != Role::Duck {
                may(left.hand_overs, HandsOver(index));
                may(left.holds, Promises(index));
            }
        }
        for (index, keeper) in state.keepers.iter().enumerate() {
            may(u8::from(!keeper.news.is_empty()), KeeperSees(index));
            may(u8::from(self.chore(state, index).is_some()), KeeperActs(index));
            may(u8::from(self.release(state, index).is_some()), KeeperReleases(index));
            may(u8::from(keeper.wanted != state.wanted), KeeperLearns(index));
            may(left.gaps, KeeperRestarts(index));
            for notice in 0..keeper.notices.len() {
                may(1, NoticesDeath(index, notice));
            }
        }
        may(left.retimings, Retimed);
        may(left.pause_orders, PauseOrdered);
        for index in 0..self.members {
            may(left.fence_orders, FenceOrdered(index));
        }
        may(left.restores.min(u8::from(state.copy.is_some())), Restored);
        let Some(object) = &state.store.object else { return };
        may(left.deletions, Deleted);
        may(left.hand_over_orders.min(u8::from(object.record.is_ok())), HandOverOrdered);
        may(left.copies, Saved);
        may(left.touches, Touched);
        may(left.garbage, Garbage);
        may(left.short_edits.min(u8::from(object.record.is_ok())), ShortEdit);
        may(left.stripped_stamps.min(u8::from(object.stamp.is_some())), StampStripped);
    }

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

    /// Whether it can be done.
    fn act(&self, state: &mut State, action: &Action) -> bool {
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
            KeeperSees(k) => see_as_keeper(&mut state.keepers[k]),
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
                let keeper = &mut state.keepers[k];
                keeper.news.clear();
                keeper.deaths.read(lease.clone());
                keeper.cache = lease;
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

    /// The user wants something else; the keepers learn of it later.
    fn order(&self, state: &mut State, action: &Action) {
        let (left, wanted) = (&mut state.left, &mut state.wanted);
        match *action {
            Action::HandOverOrdered => {
                left.hand_over_orders -= 1;
                let object = state.store.object.as_ref().expect("there is a Lease");
                let term = object.record.as_ref().expect("a record that tells its term").term;
                let to = uid_of(self.next_in_line.expect("somebody to hand over to"));
                wanted.handover = Some(HandOverOrder { to, term });
            }
            Action::PauseOrdered => {
                left.pause_orders -= 1;
                wanted.paused = !wanted.paused;
            }
            Action::FenceOrdered(index) => {
                left.fence_orders -= 1;
                let fenced = wanted.fenced.is_empty().then(|| uid_of(index));
                wanted.fenced = fenced.into_iter().collect();
            }
            ref other => unreachable!("{other:?} is no order"),
        }
    }

    /// Somebody who is no part of the election writes to the Lease.
    fn tamper(&self, state: &mut State, action: &Action) {
        let left = &mut state.left;
        let change: fn(&mut Object) = match action {
            Action::Deleted => {
                left.deletions -= 1;
                state.store.delete();
                return self.publish(state);
            }
            Action::Saved => {
                left.copies -= 1;
                state.copy =
                    state.store.object.clone().map(|object| Object { version: 0, ..object });
                return;
            }
            Action::Restored => {
                left.restores -= 1;
                let copy = state.copy.clone().expect("there is a copy to restore");
                match &state.store.object {
                    Some(object) => {
                        let uid = object.uid;
                        state.store.change(|object| *object = Object { uid, ..copy });
                    }
                    None => state.store.create(Some(&copy)),
                }
                return self.publish(state);
            }
            Action::Touched => {
                left.touches -= 1;
                |_| ()
            }
            Action::ShortEdit => {
                left.short_edits -= 1;
                |object| {
                    if let Ok(record) = &mut object.record {
                        record.duration = Duration::from_millis(1);
                    }
                }
            }
            Action::Garbage => {
                left.garbage -= 1;
                |object| object.record = Err(Unreadable::Garbage(String::new()))
            }
            Action::StampStripped => {
                left.stripped_stamps -= 1;
                |object| object.stamp = None
            }
            other => unreachable!("{other:?} is nobody's tampering"),
        };
        state.store.change(change);
        self.publish(state);
    }

    fn tick(&self, state: &mut State) {
        self.let_time_pass(state);
        for index in 0..state.nodes.len() {
            if !self.slow.processes.contains(&index) {
                self.tell(state, index, Input::Tick);
            }
        }
    }

    /// Gives the member an input, and does what it wants.
    fn tell(&self, state: &mut State, index: usize, input: Input) {
        let now = self.now();
        let Some(member) = state.nodes[index].awake() else { return };
        let going_on = matches!(member.role_at(&now), Role::Goose { .. });
        let outputs = member.handle(now, input);
        let by = member.me().clone();
        for output in outputs {
            match output {
                Output::Write(write) => {
                    let renews = write.record.holder.is_some() && going_on;
                    let quarantine =
                        state.store.object.as_ref().and_then(|o| o.record.as_ref().ok());
                    if renews && quarantine.is_some_and(Record::is_quarantine) {
                        self.note(Reached::WentOn);
                    }
                    let node = &mut state.nodes[index];
                    node.awaited.push(write.record.attempt);
                    if node.requests.len() == MOST_REQUESTS {
                        node.requests.remove(0);
                    }
                    node.requests.push(Request { by: by.clone(), write });
                }
                Output::Became(_, cause) => self.note_cause(cause),
                // When it reads again is the model's choice.
                Output::Resync => {}
            }
        }
    }

    fn arrive(&self, state: &mut State, index: usize, request: Request) {
        let Request { by, write } = request;
        if !state.store.accepts(&write.uid, write.version) {
            return self.answer(state, index, write.record.attempt, Outcome::Refused);
        }
        let writer = state.nodes[index].member.as_ref().filter(|member| *member.me() == by);
        let goose = writer.is_some_and(|member| member.role_at(&self.now()) != Role::Duck);
        if write.record.released && goose {
            state.judge.violation = Some(STOPPED_BEFORE_RELEASED);
        }
        let (attempt, knows) = (write.record.attempt, self.knows[index]);
        state.store.write(write.record, knows);
        let lease = state.store.lease(knows).expect("it was just written");
        self.answer(state, index, attempt, Outcome::Applied(lease));
        self.publish(state);
    }

    fn answer(&self, state: &mut State, index: usize, attempt: u64, outcome: Outcome) {
        let node = &mut state.nodes[index];
        if node.awaited.contains(&attempt) {
            node.answers.push((attempt, outcome));
        }
    }

    /// The newest version goes out on every watch. Who lags too far behind has
    /// to read afresh.
    pub fn publish(&self, state: &mut State) {
        for (node, knows) in state.nodes.iter_mut().zip(self.knows) {
            let lease = state.store.lease(knows);
            if lease.as_ref().is_some_and(|l| matches!(l.record, Err(Unreadable::Format(_)))) {
                self.note(Reached::NextFormat);
            }
            if node.member.is_some() {
                push(&mut node.news, lease);
            }
        }
        for keeper in &mut state.keepers {
            push(&mut keeper.news, state.store.lease(self.keepers_know));
        }
    }

    fn see(&self, state: &mut State, index: usize) {
        let input = match state.nodes[index].news.remove(0) {
            News::Read(lease) => Input::Read(lease),
            News::Written(lease) => Input::Watched(lease),
            News::Deleted => Input::Deleted,
        };
        self.tell(state, index, input);
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

    /// The keeper's next chore, decided on what its cache says; `None` where it
    /// has none, or would be refused. A late write of its own is one that was
    /// decided on an old cache.
    fn chore(&self, state: &State, index: usize) -> Option<KeeperChore> {
        let keeper = &state.keepers[index];
        let Some(lease) = &keeper.cache else {
            return state.store.object.is_none().then_some(KeeperChore::Create);
        };
        if !state.store.accepts(&lease.uid, lease.version) {
            return None;
        }
        match mutated_chore(lease, &keeper.wanted, state.longest, self.mutation)? {
            Chore::LeaveAlone(_) => None,
            other => Some(KeeperChore::Do(other)),
        }
    }

    fn keep(&self, state: &mut State, index: usize) -> bool {
        let Some(chore) = self.chore(state, index) else { return false };
        let orders = state.keepers[index].wanted.clone();
        match chore {
            KeeperChore::Create => state.store.create(None),
            KeeperChore::Do(Chore::GiveOrders) => {
                state.store.change(|object| object.orders = orders)
            }
            KeeperChore::Do(Chore::Recreate) => state.store.delete(),
            KeeperChore::Do(Chore::Quarantine { record, .. }) => state.store.change(|object| {
                object.stamp = Some(object.uid);
                object.record = Ok(record);
                object.format = self.keepers_know;
                object.orders = orders;
            }),
            KeeperChore::Do(Chore::LeaveAlone(_)) => return false,
        }
        self.publish(state);
        true
    }

    /// What the keeper would release, unless that would be refused.
    fn release(&self, state: &State, index: usize) -> Option<Record> {
        let release = state.keepers[index].deaths.release(&self.now())?;
        state.store.accepts(&release.uid, release.version).then_some(release.record)
    }

    fn release_the_dead(&self, state: &mut State, index: usize) -> bool {
        let Some(record) = self.release(state, index) else { return false };
        self.note(Reached::ConfirmedDeath);
        state.store.write(record, self.keepers_know);
        self.publish(state);
        true
    }

    /// Whatever takes no time of its own happens now.
    fn settle(&self, state: &mut State) {
        for _ in 0..MOST_ROUNDS {
            if !self.settle_once(state) {
                return;
            }
        }
        state.judge.violation = Some(ALL_COMES_TO_REST);
    }

    fn settle_once(&self, state: &mut State) -> bool {
        for index in 0..state.nodes.len() {
            self.drop_what_is_refused(state, index);
            let node = &state.nodes[index];
            let asleep = node.machine != Machine::Running || self.slow.processes.contains(&index);
            if !self.slow.requests && !node.requests.is_empty() {
                let request = state.nodes[index].requests.remove(0);
                self.arrive(state, index, request);
                return true;
            }
            if !self.slow.answers && !node.answers.is_empty() && !asleep {
                return self.act(state, &Action::Answered(index, 0));
            }
            if !self.slow.watches.contains(&index) && !node.news.is_empty() && !asleep {
                self.see(state, index);
                return true;
            }
        }
        for keeper in &mut state.keepers {
            if !self.slow.keepers && !keeper.news.is_empty() {
                see_as_keeper(keeper);
                return true;
            }
        }
        false
    }

    /// A request on an old version will be refused, whenever it arrives.
    fn drop_what_is_refused(&self, state: &mut State, index: usize) {
        let requests = std::mem::take(&mut state.nodes[index].requests);
        for request in requests {
            if state.store.accepts(&request.write.uid, request.write.version) {
                state.nodes[index].requests.push(request);
            } else {
                self.answer(state, index, request.write.record.attempt, Outcome::Refused);
            }
        }
    }

    /// Rule 7, over all that became Goose; rule 11, over all that promised.
    fn judge(&self, state: &mut State) {
        let geese: Vec<_> = state.geese(self).collect();
        // Two of them are judged elsewhere.
        if let [(index, term)] = geese[..] {
            let me = state.nodes[index].member.as_ref().expect("a Goose lives").me().clone();
            let judge = &mut state.judge;
            if judge.promises.iter().any(|(giver, _)| *giver != me) {
                judge.violation = Some(PROMISES_ARE_KEPT);
            }
            if judge.gave_up == Some((index, term)) {
                judge.violation = Some(GIVEN_UP_IS_OVER);
            }
            let reign = (term, me);
            match &judge.reign {
                Some(before) if *before == reign => {}
                Some((greatest, _)) if *greatest >= term => {
                    judge.violation = Some(TERMS_RISE);
                }
                _ => judge.reign = Some(reign),
            }
        }
    }

    fn note_giving_up(&self, state: &mut State, index: usize) {
        let goose = state.geese(self).find(|(goose, _)| *goose == index);
        state.judge.gave_up = goose;
    }

    fn note(&self, reached: Reached) {
        self.seen.lock().expect("nobody panicked").insert(reached);
    }

    fn note_cause(&self, cause: Cause) {
        match cause {
            Cause::TookFree => self.note(Reached::HandOver),
            Cause::TookOver => self.note(Reached::TakeOver),
            Cause::TookOwn => self.note(Reached::TookOwn),
            Cause::AppliedLate => self.note(Reached::AppliedLate),
            Cause::ClockSuspected => self.note(Reached::ClockSuspected),
            Cause::HandOverOrdered => self.note(Reached::HandOverOrdered),
            Cause::Fenced => self.note(Reached::Fenced),
            _ => {}
        }
    }
}

/// What a keeper does next.
enum KeeperChore {
    /// There is no Lease.
    Create,
    Do(Chore),
}

fn see_as_keeper(keeper: &mut Keeper) {
    match keeper.news.remove(0) {
        News::Read(lease) => {
            keeper.deaths.read(lease.clone());
            keeper.cache = lease;
        }
        News::Written(lease) => {
            keeper.deaths.watched(lease.clone());
            keeper.cache = Some(lease);
        }
        News::Deleted => {
            keeper.deaths.deleted();
            keeper.cache = None;
        }
    }
}

fn push(queue: &mut Vec<News>, lease: Option<Lease>) {
    if queue.len() >= MOST_NEWS {
        *queue = vec![News::Read(lease)];
    } else {
        queue.push(lease.map_or(News::Deleted, News::Written));
    }
}

/// More requests of one member on their way are taken for lost, the oldest first.
const MOST_REQUESTS: usize = 2;

/// A watch that lags further behind is closed by the API server.
const MOST_NEWS: usize = 2;

/// Far more than any number of members need to answer each other.
const MOST_ROUNDS: usize = 200;
