//! The API server's part: one object, one global revision, compare-and-swap.

use duckduckgoose_election::lease::{Lease, Orders, Version};
use duckduckgoose_election::record::{Record, Unreadable};

/// The Lease as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    pub uid: u8,
    pub version: Version,
    /// The uid that the stamp tells; another one's in a copy.
    pub stamp: Option<u8>,
    pub record: Result<Record, Unreadable>,
    /// The format that the record is written in.
    pub format: u8,
    pub orders: Orders,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    pub revision: Version,
    pub object: Option<Object>,
    pub objects_made: u8,
}

impl Object {
    /// As it is read by somebody who knows the formats up to this one.
    pub fn lease(&self, knows: u8) -> Lease {
        let readable = self.record.is_err() || self.format <= knows;
        Lease {
            uid: name_of(self.uid),
            version: self.version,
            stamped: self.stamp == Some(self.uid),
            record: if readable {
                self.record.clone()
            } else {
                Err(Unreadable::Format(self.format.into()))
            },
            orders: self.orders.clone(),
        }
    }

    /// Without a version: what a write must ask for that asks for none.
    pub const ANY_VERSION: Version = 0;
}

impl Store {
    pub fn lease(&self, knows: u8) -> Option<Lease> {
        self.object.as_ref().map(|object| object.lease(knows))
    }

    /// Whether an update with these preconditions would be applied, now or ever.
    pub fn accepts(&self, uid: &str, version: Version) -> bool {
        self.object.as_ref().is_some_and(|object| {
            let any = version == Object::ANY_VERSION;
            name_of(object.uid) == uid && (any || object.version == version)
        })
    }

    pub fn write(&mut self, record: Record, format: u8) {
        self.change(|object| {
            object.record = Ok(record);
            object.format = format;
        });
    }

    pub fn create(&mut self, like: Option<&Object>) {
        self.objects_made += 1;
        let uid = self.objects_made;
        let empty = Object {
            uid,
            version: 0,
            stamp: None,
            record: Err(Unreadable::Missing),
            format: 1,
            orders: Orders::default(),
        };
        self.object = Some(Object { uid, ..like.cloned().unwrap_or(empty) });
        self.change(|_| ());
    }

    pub fn delete(&mut self) {
        self.object = None;
        self.revision += 1;
    }

    /// A new version of the object, with this change.
    pub fn change(&mut self, change: impl FnOnce(&mut Object)) {
        self.revision += 1;
        let object = self.object.as_mut().expect("there is an object to change");
        change(object);
        object.version = self.revision;
    }
}

fn name_of(uid: u8) -> String {
    format!("l{uid}")
}
