//! The keeper of the Lease: the operator, as far as the election knows it.

use std::collections::BTreeMap;
use std::time::Duration;

use duckduckgoose_election::clock::Reading;
use duckduckgoose_election::keeper::{Chore, mutated_chore};
use duckduckgoose_election::lease::Orders;
use duckduckgoose_election::record::Incarnation;

use crate::world::server::{self, Change, Object};
use crate::world::{Event, World};

impl World {
    /// Lets the keeper look at the Lease, now and at every later change.
    pub fn keep(&mut self, orders: Orders, longest: Duration) {
        self.keeper = Some((orders, longest));
        self.network.at(self.time, "", Event::KeeperLooks);
    }

    /// The keeper starts anew, or lost its watch: it reads afresh.
    pub fn keeper_loses_watch(&mut self) {
        self.deaths.read(self.server.object.as_ref().map(Object::lease));
        self.keeper_told = self.server.history.len();
    }

    /// What happened is on its way to the keeper's watch, and wakes it.
    pub(super) fn tell_keeper(&mut self) {
        if self.keeper.is_none() {
            return;
        }
        self.network.travel(self.time, "", Event::KeeperLooks);
        let begin = std::mem::replace(&mut self.keeper_told, self.server.history.len());
        for change in self.server.history[begin..].iter().cloned() {
            self.network.travel_in_order(self.time, "", Event::KeeperTold { change });
        }
    }

    /// It sees the termination message of this incarnation.
    pub(super) fn death_seen(&mut self, who: Incarnation) {
        self.deaths.died(&steady(self.time), who);
        self.keeper_releases();
    }

    pub(super) fn keeper_told(&mut self, change: Change) {
        match change {
            Change::Written(object) => self.deaths.watched(object.lease()),
            Change::Deleted => self.deaths.deleted(),
        }
        self.keeper_releases();
    }

    /// Rule 10: what a confirmed death left is released, once what it promised
    /// is over.
    pub(super) fn keeper_releases(&mut self) {
        if self.keeper.is_none() {
            return;
        }
        let now = steady(self.time);
        if let Some(release) = self.deaths.release(&now) {
            self.say("keeper", &format!("releases term {} of the dead", release.record.term));
            self.server.write_record(&release.uid, release.version, &release.record);
            self.tell_all();
        } else if let Some(wait) = self.deaths.wake(&now) {
            self.network.at(self.time + wait, "", Event::KeeperReleases);
        }
    }

    pub(super) fn keeper_looks(&mut self) {
        let Some((orders, longest)) = self.keeper.clone() else { return };
        let Some(object) = self.server.object.clone() else {
            self.say("keeper", "creates the Lease");
            self.server.create(BTreeMap::new());
            return self.tell_all();
        };
        match mutated_chore(&object.lease(), &orders, longest, self.mutation) {
            None => {}
            Some(Chore::LeaveAlone(why)) => self.say("keeper", &format!("leaves it alone: {why}")),
            Some(Chore::GiveOrders) => {
                self.say("keeper", "gives orders");
                self.server.update(&object.uid, object.version, |annotations| {
                    server::write_orders(annotations, &orders);
                });
                self.tell_all();
            }
            Some(Chore::Recreate) => {
                self.say("keeper", "deletes the Lease: another duration is wanted");
                self.server.delete();
                self.tell_all();
            }
            Some(Chore::Quarantine { record, why }) => {
                self.say("keeper", &format!("quarantines for {:?}: {why:?}", record.duration));
                self.server.quarantine(&object.uid, object.version, &record, &orders);
                self.tell_all();
            }
        }
    }
}

/// The clocks of the keeper's machine.
fn steady(time: Duration) -> Reading {
    Reading { boottime: time, raw: time, slept: Duration::ZERO, wall: time }
}
