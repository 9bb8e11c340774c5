//! What is on its way between the members and the API server.

use duckduckgoose_election::lease::Lease;
use duckduckgoose_election::member::{Input, Outcome, Output, Role};
use duckduckgoose_election::record::{Record, Unreadable};

use super::properties::STOPPED_BEFORE_RELEASED;
use super::state::{News, Request, State};
use super::{Pond, Reached};

impl Pond {
    /// Gives the member an input, and does what it wants.
    pub fn tell(&self, state: &mut State, index: usize, input: Input) {
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

    /// A request arrives at the API server, which answers and tells all watches.
    pub fn arrive(&self, state: &mut State, index: usize, request: Request) {
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

    /// The member's watch tells the next thing.
    pub fn see(&self, state: &mut State, index: usize) {
        let input = match state.nodes[index].news.remove(0) {
            News::Read(lease) => Input::Read(lease),
            News::Written(lease) => Input::Watched(lease),
            News::Deleted => Input::Deleted,
        };
        self.tell(state, index, input);
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

    /// A request on an old version will be refused, whenever it arrives.
    pub fn drop_what_is_refused(&self, state: &mut State, index: usize) {
        let requests = std::mem::take(&mut state.nodes[index].requests);
        for request in requests {
            if state.store.accepts(&request.write.uid, request.write.version) {
                state.nodes[index].requests.push(request);
            } else {
                self.answer(state, index, request.write.record.attempt, Outcome::Refused);
            }
        }
    }

    /// An answer that nobody waits for any more is lost.
    fn answer(&self, state: &mut State, index: usize, attempt: u64, outcome: Outcome) {
        let node = &mut state.nodes[index];
        if node.awaited.contains(&attempt) {
            node.answers.push((attempt, outcome));
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
