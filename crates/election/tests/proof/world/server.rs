//! The API server as the election sees it: one object, one global revision,
//! compare-and-swap, and a history that watches are served from.

use std::collections::BTreeMap;

use duckduckgoose_election::lease::{Lease, Orders, RECORD, STAMP, Version};
use duckduckgoose_election::record::Record;

/// The Lease's metadata as it is stored.
#[derive(Clone, Debug)]
pub struct Object {
    pub uid: String,
    pub version: Version,
    pub annotations: BTreeMap<String, String>,
}

/// What a watch tells.
#[derive(Clone, Debug)]
pub enum Change {
    Written(Object),
    Deleted,
}

/// The store, and all that ever happened to it.
#[derive(Default)]
pub struct Server {
    pub revision: Version,
    pub object: Option<Object>,
    pub history: Vec<Change>,
    objects_made: u64,
}

impl Object {
    pub fn lease(&self) -> Lease {
        Lease::from_metadata(&self.uid, self.version, &self.annotations)
    }
}

impl Server {
    /// Creates the object with these annotations, under a new uid.
    pub fn create(&mut self, annotations: BTreeMap<String, String>) {
        assert!(self.object.is_none(), "the Lease exists already");
        self.objects_made += 1;
        let uid = format!("lease{}", self.objects_made);
        self.store(Object { uid, version: 0, annotations });
    }

    /// Deletes the object, if there is one.
    pub fn delete(&mut self) {
        if self.object.take().is_some() {
            self.revision += 1;
            self.history.push(Change::Deleted);
        }
    }

    /// Replaces the annotations of the object without asking for a version, as
    /// `kubectl replace` and the like do.
    pub fn overwrite(&mut self, annotations: BTreeMap<String, String>) {
        let object = self.object.clone().expect("there is a Lease to overwrite");
        self.store(Object { annotations, ..object });
    }

    /// A holder's write: the record, if the precondition holds.
    pub fn write_record(&mut self, uid: &str, version: Version, record: &Record) -> Option<Lease> {
        self.update(uid, version, |annotations| {
            annotations.insert(RECORD.to_owned(), record.to_text());
        })
    }

    /// The keeper's write, if the precondition holds.
    pub fn quarantine(
        &mut self,
        uid: &str,
        version: Version,
        record: &Record,
        orders: &Orders,
    ) -> Option<Lease> {
        self.update(uid, version, |annotations| {
            write_orders(annotations, orders);
            annotations.insert(RECORD.to_owned(), record.to_text());
            annotations.insert(STAMP.to_owned(), uid.to_owned());
        })
    }

    /// Changes the annotations, if the precondition holds.
    pub fn update(
        &mut self,
        uid: &str,
        version: Version,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Option<Lease> {
        let mut object = self.object.clone()?;
        // Only a broken rule 5 asks for no version.
        if object.uid != uid || version != 0 && object.version != version {
            return None;
        }
        change(&mut object.annotations);
        Some(self.store(object))
    }

    fn store(&mut self, mut object: Object) -> Lease {
        self.revision += 1;
        object.version = self.revision;
        self.history.push(Change::Written(object.clone()));
        let lease = object.lease();
        self.object = Some(object);
        lease
    }
}

/// Makes the annotations say just these orders.
pub fn write_orders(annotations: &mut BTreeMap<String, String>, orders: &Orders) {
    for (key, value) in orders.to_annotations() {
        match value {
            Some(value) => annotations.insert(key.to_owned(), value),
            None => annotations.remove(key),
        };
    }
}
