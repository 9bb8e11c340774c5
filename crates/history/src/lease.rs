//! What the Lease said.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One version of the Lease, as its watch told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseSeen {
    /// When, on the clock of the history.
    #[serde(with = "crate::nanoseconds")]
    pub at: Duration,
    /// `metadata.uid`: a Lease that was deleted and made again is another one.
    pub uid: Arc<str>,
    /// `metadata.resourceVersion`.
    pub version: u64,
    /// What it said.
    pub state: LeaseState,
    /// Versions before it may have been missed: the watch was broken.
    #[serde(default)]
    pub after_gap: bool,
}

/// What a version of the Lease says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaseState {
    /// Not stamped: no member touches it.
    Unstamped {
        /// Which write of which incarnation it bears: of the time before, or of who touched it.
        write: Option<(Arc<str>, u64)>,
    },
    /// Nobody's for the time of one lease.
    Quarantined {
        /// The term before it.
        term: u64,
        /// For how long it must be waited out.
        #[serde(with = "crate::nanoseconds")]
        duration: Duration,
    },
    /// Held.
    Held {
        /// Name of the holder's pod.
        pod: Arc<str>,
        /// Which run of its sidecar, `<pod>_<pod uid>_<nonce>`.
        incarnation: Arc<str>,
        /// Its fencing token.
        term: u64,
        /// How many writes of the holder this is.
        attempt: u64,
        /// For how long it must be waited out.
        #[serde(with = "crate::nanoseconds")]
        duration: Duration,
    },
    /// The term has ended.
    Released {
        /// That term.
        term: u64,
        /// For how long it must be waited out by whoever has not seen it end.
        #[serde(with = "crate::nanoseconds")]
        duration: Duration,
    },
    /// What it says cannot be read.
    Unreadable {
        /// Why not.
        why: String,
    },
    /// It is no more.
    Gone,
}

impl LeaseState {
    /// The same but for the renewals, which are of little interest to people.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Held { pod, term, .. }, Self::Held { pod: other_pod, term: other_term, .. }) => {
                pod == other_pod && term == other_term
            }
            _ => self == other,
        }
    }

    /// Whether both are the same proof of their holder's life (rule 4): the duration is none of it.
    pub fn is_as_alive_as(&self, other: &Self) -> bool {
        let proof = |state: &Self| match state {
            Self::Held { incarnation, term, attempt, .. } => {
                Some((incarnation.clone(), *term, *attempt))
            }
            _ => None,
        };
        self == other || proof(self).is_some() && proof(self) == proof(other)
    }

    /// For how long it must be waited out, where it is stamped and can be read.
    pub fn duration(&self) -> Option<Duration> {
        match self {
            Self::Quarantined { duration, .. }
            | Self::Held { duration, .. }
            | Self::Released { duration, .. } => Some(*duration),
            Self::Unstamped { .. } | Self::Unreadable { .. } | Self::Gone => None,
        }
    }
}

impl fmt::Display for LeaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstamped { .. } => f.write_str("not stamped"),
            Self::Quarantined { term, .. } => write!(f, "quarantined after term {term}"),
            Self::Held { pod, term, .. } => write!(f, "held by {pod} in term {term}"),
            Self::Released { term, .. } => write!(f, "released from term {term}"),
            Self::Unreadable { why } => write!(f, "unreadable: {why}"),
            Self::Gone => f.write_str("gone"),
        }
    }
}
