//! What a member is told, and what it wants.

use std::time::Duration;

use crate::lease::{Lease, Version};
use crate::record::Record;

/// What a driver can see. Inputs come in the order in which they were seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The Lease as a fresh read found it, at the start or after a gap in the
    /// watch; `None` when there is none. The watch goes on from this version.
    Read(Option<Lease>),
    /// The next version in the unbroken watch.
    Watched(Lease),
    /// The unbroken watch told that the Lease was deleted.
    Deleted,
    /// What became of the write with this attempt number.
    Written {
        /// The number that [`Write::record`] carried.
        attempt: u64,
        /// What became of it.
        outcome: Outcome,
    },
    /// Time passed. Harmless at any time, needed when [`Member::wake`] says so.
    ///
    /// [`Member::wake`]: crate::member::Member::wake
    Tick,
    /// The workload gives the role up (rule 8). Nothing for who is a Duck.
    HandOver,
    /// The process is to end: no role any more, and what is held is released.
    ShutDown,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::large_enum_variant, reason = "one at a time, moved once, matched on everywhere")]
pub enum Outcome {
    /// It was applied, and this is the Lease that it made.
    Applied(Lease),
    /// The API server said that the precondition did not hold: not applied.
    Refused,
    /// No answer, or one that does not tell: it may have been applied, it may
    /// yet be.
    Unknown {
        /// For how long the API server asked to be left alone; zero where it did not.
        retry_after: Duration,
    },
}

/// What a member wants its driver to do, or to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write this record, once, and tell what became of it.
    Write(Write),
    /// The watch may be broken without knowing it: leave it, read the Lease
    /// afresh, and watch from there.
    Resync,
    /// The role changed. For logs and metrics only: who asks for the role asks
    /// [`Member::role_at`](crate::member::Member::role_at).
    Became(Role, Cause),
}

/// One write of the record. The driver replaces the whole object of this uid
/// and version, and keeps the annotations that it does not own (rule 5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write {
    /// `metadata.uid` that the object must have.
    pub uid: String,
    /// `metadata.resourceVersion` that the object must have.
    pub version: Version,
    /// The record to write.
    pub record: Record,
    /// After how long without an answer the outcome is unknown: [`Timing::attempt`](crate::timing::Timing::attempt).
    pub timeout: Duration,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The one that leads.
    Goose {
        /// The fencing token of this leadership.
        term: u64,
    },
    /// One of the others.
    Duck,
}

/// Why a role changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It took a record that was free (rule 8).
    TookFree,
    /// It took a record that it had waited out (rule 4).
    TookOver,
    /// It took its own last version again (rule 5).
    TookOwn,
    /// A write whose answer was lost turned out to be applied (rule 1).
    AppliedLate,
    /// It could not renew in time (rule 1).
    Deadline,
    /// The wall clock jumped: this may have been a freeze (rule 3).
    ClockSuspected,
    /// The Lease names somebody else, or nobody (rule 5).
    Superseded,
    /// The operator ordered it to hand over.
    HandOverOrdered,
    /// The workload gave the role up.
    HandOverAsked,
    /// The operator fenced this pod.
    Fenced,
    /// The process is ending.
    ShutDown,
}
