//! What may happen next.

use duckduckgoose_election::member::Role;

use super::Pond;
use super::state::{Machine, State};

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
}
