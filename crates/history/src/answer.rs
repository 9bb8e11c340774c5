//! One question to one member, and what came back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a member says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// It is the Goose.
    Goose {
        /// The fencing token.
        term: u64,
    },
    /// It is a Duck.
    Duck,
}

/// One question and its answer.
///
/// What was said is true at some instant between the two times; nothing more is known of when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// `metadata.uid` of the member's pod: a name can be used again.
    pub member: Arc<str>,
    /// Name of the pod, for people.
    pub pod: Arc<str>,
    /// What it said.
    pub said: Said,
    /// When the question left. All times of a history are on one clock, from its start.
    #[serde(with = "crate::nanoseconds")]
    pub asked: Duration,
    /// When the answer was there.
    #[serde(with = "crate::nanoseconds")]
    pub answered: Duration,
}

impl Answer {
    /// The term, where it says that it is the Goose.
    pub fn term(&self) -> Option<u64> {
        match self.said {
            Said::Goose { term } => Some(term),
            Said::Duck => None,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goose { term } => write!(f, "goose in term {term}"),
            Self::Duck => f.write_str("duck"),
        }
    }
}
