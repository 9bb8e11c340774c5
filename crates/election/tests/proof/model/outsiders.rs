//! What is done by those who are no part of the election: the user, and whoever writes to the Lease.

use std::time::Duration;

use duckduckgoose_election::lease::HandOverOrder;
use duckduckgoose_election::record::Unreadable;

use super::state::{State, uid_of};
use super::store::Object;
use super::{Action, Pond};

impl Pond {
    /// The user wants something else; the keepers learn of it later.
    pub fn order(&self, state: &mut State, action: &Action) {
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
    pub fn tamper(&self, state: &mut State, action: &Action) {
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
}
