//! What the keepers do: the operator's replicas.

use duckduckgoose_election::keeper::{Chore, mutated_chore};
use duckduckgoose_election::lease::Lease;
use duckduckgoose_election::record::Record;

use super::state::{Keeper, News, State};
use super::{Pond, Reached};

/// What a keeper does next.
pub enum KeeperChore {
    /// There is no Lease.
    Create,
    Do(Chore),
}

impl Pond {
    /// The keeper's next chore, decided on what its cache says; `None` where it
    /// has none, or would be refused. A late write of its own is one that was
    /// decided on an old cache.
    pub fn chore(&self, state: &State, index: usize) -> Option<KeeperChore> {
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

    /// Does the next chore. Whether there was one.
    pub fn keep(&self, state: &mut State, index: usize) -> bool {
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
    pub fn release(&self, state: &State, index: usize) -> Option<Record> {
        let release = state.keepers[index].deaths.release(&self.now())?;
        state.store.accepts(&release.uid, release.version).then_some(release.record)
    }

    /// Rule 10: releases what a confirmed death left. Whether there was anything.
    pub fn release_the_dead(&self, state: &mut State, index: usize) -> bool {
        let Some(record) = self.release(state, index) else { return false };
        self.note(Reached::ConfirmedDeath);
        state.store.write(record, self.keepers_know);
        self.publish(state);
        true
    }
}

impl Keeper {
    /// Its watch tells the next thing.
    pub fn see(&mut self) {
        match self.news.remove(0) {
            News::Read(lease) => {
                self.deaths.read(lease.clone());
                self.cache = lease;
            }
            News::Written(lease) => {
                self.deaths.watched(lease.clone());
                self.cache = Some(lease);
            }
            News::Deleted => {
                self.deaths.deleted();
                self.cache = None;
            }
        }
    }

    /// Another one takes its place, and knows what it reads.
    pub fn restart(&mut self, lease: Option<Lease>) {
        self.news.clear();
        self.deaths.read(lease.clone());
        self.cache = lease;
    }
}
