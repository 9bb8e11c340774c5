//! A Lease in memory: to elect among the tasks of one process, and for tests.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use crate::clock::Reading;
use crate::lease::{Lease, Orders};
use crate::member::{Outcome, Write};
use crate::record::Record;
use crate::timing::Timing;

/// What an API server does for an election, without the server: one Lease that
/// only compare-and-swap changes, and watches of it that lose nothing.
#[derive(Debug)]
pub struct MemoryLease {
    content: Mutex<Content>,
    began: Instant,
}

#[derive(Debug)]
struct Content {
    lease: Lease,
    watches: Vec<Sender<Lease>>,
}

impl MemoryLease {
    /// A new Lease of this timing. As every new one, it is nobody's for the time
    /// of one lease (rule 6).
    pub fn new(timing: Timing) -> MemoryLease {
        let lease = Lease {
            uid: "memory".to_owned(),
            version: 1,
            stamped: true,
            record: Ok(Record::quarantine(0, timing.lease())),
            orders: Orders { timing: Some(timing), ..Orders::default() },
        };
        let content = Mutex::new(Content { lease, watches: Vec::new() });
        MemoryLease { content, began: Instant::now() }
    }

    /// The Lease as it is now, for [`Input::Read`](crate::member::Input::Read), and
    /// every version after it, for [`Input::Watched`](crate::member::Input::Watched).
    pub fn watch(&self) -> (Lease, Receiver<Lease>) {
        let (sender, receiver) = channel();
        let mut content = self.content();
        content.watches.push(sender);
        (content.lease.clone(), receiver)
    }

    /// Writes the record, if the Lease is the version that it is to replace (rule 5). The outcome is
    /// never unknown.
    pub fn write(&self, write: &Write) -> Outcome {
        let mut content = self.content();
        if (&write.uid, write.version) != (&content.lease.uid, content.lease.version) {
            return Outcome::Refused;
        }
        content.lease.version += 1;
        content.lease.record = Ok(write.record.clone());
        let Content { lease, watches } = &mut *content;
        watches.retain(|watch| watch.send(lease.clone()).is_ok());
        Outcome::Applied(lease.clone())
    }

    /// The clock of this process, which all its tasks share: none of rule 3's
    /// troubles with clocks can make two of them disagree.
    pub fn now(&self) -> Reading {
        let passed = self.began.elapsed();
        let wall = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Reading { boottime: passed, raw: passed, slept: Default::default(), wall }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        // Each change is one assignment after the other: none is half done.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_writes_on_one_version_one_is_applied_and_every_watch_is_told() {
        let server = MemoryLease::new(Timing::default());
        let (lease, watch) = server.watch();
        let write = Write {
            uid: lease.uid.clone(),
            version: lease.version,
            record: Record::quarantine(7, Timing::default().lease()),
            timeout: Timing::default().attempt(),
        };
        let Outcome::Applied(applied) = server.write(&write) else { panic!("it was refused") };
        assert_eq!((applied.version, &applied.record), (2, &Ok(write.record.clone())));
        assert_eq!(server.write(&write), Outcome::Refused);
        assert_eq!(watch.try_iter().collect::<Vec<_>>(), [applied]);
    }
}
