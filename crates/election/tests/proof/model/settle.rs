//! What takes no time of its own happens at once.

use super::properties::ALL_COMES_TO_REST;
use super::state::{Machine, State};
use super::{Action, Pond};

impl Pond {
    /// One thing after the other, until there is nothing more.
    pub fn settle(&self, state: &mut State) {
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
                keeper.see();
                return true;
            }
        }
        false
    }
}

/// Far more than any number of members need to answer each other.
const MOST_ROUNDS: usize = 200;
