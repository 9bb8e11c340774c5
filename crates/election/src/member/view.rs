//! What a member can tell of itself and of the others, for people and programs.

use std::fmt;
use std::time::Duration;

use crate::clock::Reading;
use crate::member::{Cause, Member, Role};
use crate::record::{Incarnation, Unreadable};

/// What a member knows at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// What it is at this moment.
    pub role: Role,
    /// Who leads, as far as it knows. Itself when it is Goose.
    pub goose: Option<Incarnation>,
    /// Its own term when it is Goose; otherwise that of the record it knows.
    pub term: Option<u64>,
    /// How long ago it last heard of the Lease, at the most; `None` when it never did.
    pub seen_ago: Option<Duration>,
    /// Why things are not as one would expect; `None` when they are.
    pub reason: Option<Reason>,
}

/// Why there is no Goose, or why this member is not what one would expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has not read the Lease yet.
    NotReadYet,
    /// There is no Lease: the operator makes it.
    NoLease,
    /// The Lease is not stamped yet: the operator stamps it (rule 6).
    NotStamped,
    /// Nobody can tell what the record says.
    Unreadable(Unreadable),
    /// A record that nobody holds is being waited out.
    Quarantined,
    /// It was Goose, and could not renew in time: cut off, most likely.
    CouldNotRenew,
    /// The wall clock jumped, which may have been a freeze (rule 3).
    ClockSuspected,
    /// It gave the role up, and the next one is about to take it.
    HandingOver,
    /// The Lease was released and nobody has taken it yet.
    Released,
    /// Nobody takes over while the cluster is paused.
    Paused,
    /// This pod is to stay a Duck.
    Fenced,
    /// Nothing was heard of the Lease for longer than is normal.
    CutOff,
}

impl Member {
    /// What this member knows at this moment.
    pub fn view(&self, now: &Reading) -> View {
        let role = self.role_at(now);
        let known = self.known_record();
        let (goose, term) = match role {
            Role::Goose { term } => (Some(self.me.clone()), Some(term)),
            Role::Duck => (
                // Who is not Goose any more does not name itself as one.
                known.and_then(|record| record.holder.clone()).filter(|holder| *holder != self.me),
                known.map(|record| record.term),
            ),
        };
        let seen_ago = self.silence.heard_ago(now);
        View { role, goose, term, seen_ago, reason: self.reason(now, role, seen_ago) }
    }

    /// Until the deadline of the term that it leads, or has just given up; zero
    /// when there is none. Nobody else is Goose before it, unless this member
    /// releases the Lease.
    pub fn lease_left(&self, now: &Reading) -> Duration {
        self.tenure.as_ref().map_or(Duration::ZERO, |tenure| tenure.deadline().until_either(now))
    }

    /// Whether the operator names another pod that is ready to lead.
    pub fn has_successor(&self) -> bool {
        let orders = self.lease.as_ref().map(|lease| &lease.orders);
        orders.is_some_and(|orders| {
            let others = orders.successors.iter().filter(|uid| *uid != self.me.pod_uid());
            others.into_iter().any(|uid| !orders.fenced.contains(uid))
        })
    }

    fn reason(&self, now: &Reading, role: Role, seen_ago: Option<Duration>) -> Option<Reason> {
        if matches!(role, Role::Goose { .. }) {
            return None;
        }
        if !self.has_read {
            return Some(Reason::NotReadYet);
        }
        let Some(lease) = &self.lease else { return Some(Reason::NoLease) };
        if !self.is_stamped(lease) {
            return Some(Reason::NotStamped);
        }
        let record = match &lease.record {
            Ok(record) => record,
            Err(why) => return Some(Reason::Unreadable(why.clone())),
        };
        if lease.orders.fenced.iter().any(|uid| uid == self.me.pod_uid()) {
            return Some(Reason::Fenced);
        }
        if let Some(tenure) = &self.tenure {
            return Some(match tenure.lapsed(now) {
                Some(Cause::ClockSuspected) => Reason::ClockSuspected,
                Some(_) => Reason::CouldNotRenew,
                None => Reason::HandingOver,
            });
        }
        if record.holder.as_ref() == Some(&self.me) {
            return Some(match self.last_end {
                Some(Cause::ClockSuspected) => Reason::ClockSuspected,
                _ => Reason::CouldNotRenew,
            });
        }
        if record.holder.is_none() {
            return Some(match (lease.orders.paused, record.released) {
                (true, _) => Reason::Paused,
                (false, true) => Reason::Released,
                (false, false) => Reason::Quarantined,
            });
        }
        let silent = seen_ago.is_none_or(|ago| ago > self.timing.silence() * 2);
        silent.then_some(Reason::CutOff)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::NotReadYet => "the Lease has not been read yet",
            Reason::NoLease => "there is no Lease: the operator makes it",
            Reason::NotStamped => "the Lease is not stamped yet: the operator stamps it",
            Reason::Unreadable(why) => return why.fmt(f),
            Reason::Quarantined => "nobody holds the Lease, and it is being waited out",
            Reason::CouldNotRenew => "the Lease could not be renewed in time",
            Reason::ClockSuspected => "the wall clock jumped, which may have been a freeze",
            Reason::HandingOver => "the role is being handed over",
            Reason::Released => "the Lease was released, and is about to be taken",
            Reason::Paused => "nobody takes over while the cluster is paused",
            Reason::Fenced => "this pod is fenced: it stays a Duck",
            Reason::CutOff => "nothing was heard of the Lease for longer than is normal",
        })
    }
}
