//! Whether the versions of the Lease keep the rules by which it is taken.
//!
//! One watch tells of every version in order, so most of this needs no clock: only how long a record
//! was waited out does. A watch that was broken proves nothing across the gap, and one of an API server
//! that stood still may tell late what others were told before.

mod early_labels;
mod follower;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use self::early_labels::early_labels;
use self::follower::Follower;
use crate::lease::LeaseSeen;
use crate::whole::History;

/// A rule that a version of the Lease, or a label, breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// When the watch told of it.
    pub at: Duration,
    /// Name of the pod that took the Lease, or that was labelled.
    pub pod: Arc<str>,
    /// What is wrong with it.
    pub rule: Rule,
}

/// A rule of the Lease's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The term is the version that was taken: whoever wrote this one had read another.
    TermIsTheVersionTaken {
        /// The term.
        term: u64,
        /// The version before it.
        taken: u64,
    },
    /// Terms rise.
    TermsRise {
        /// The term.
        term: u64,
        /// One that was there before.
        earlier: u64,
    },
    /// What is held or nobody's is waited out.
    WaitedOut {
        /// How long it had stood there.
        waited: Duration,
        /// How long it had to.
        wanted: Duration,
    },
    /// What has no stamp, or cannot be read, is not taken.
    OnlyWhatIsStampedAndRead,
    /// The label never comes before the version that gives the term.
    NoLabelBeforeTheTerm,
}

impl History {
    /// Everything in which the Lease and the labels break the rules, but for what the versions say that
    /// were written by hand: these keep none, and whoever takes them must.
    ///
    /// `stills` are when the API server stood still, as far as the caller knows: after one that nobody
    /// planned, on a starved machine, a taking may look too early that was not; and within one, by as much
    /// as it lasts, a taking that was too early may pass.
    pub fn breaches(&self, by_hand: &BTreeSet<u64>, stills: &[Range<Duration>]) -> Vec<Breach> {
        let by_hand = with_copies(&self.leases, by_hand);
        let mut follower = Follower::new(&by_hand, stills);
        let mut breaches: Vec<_> = self.leases.iter().flat_map(|seen| follower.see(seen)).collect();
        breaches.extend(early_labels(&self.labels, &self.leases, &by_hand));
        breaches
    }
}

/// The versions that say what a hand wrote: its own, and those after it in which another wrote
/// something else and left the record as it was, as the operator does with its orders.
fn with_copies(leases: &[LeaseSeen], by_hand: &BTreeSet<u64>) -> BTreeSet<u64> {
    let mut all = by_hand.clone();
    for pair in leases.windows(2) {
        let [last, seen] = pair else { continue };
        if all.contains(&last.version) && last.uid == seen.uid && last.state == seen.state {
            all.insert(seen.version);
        }
    }
    all
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, pod, rule } = self;
        let at = at.as_secs_f64();
        match rule {
            Rule::TermIsTheVersionTaken { term, taken } => {
                write!(f, "{pod} took version {taken} at {at:.3} s and calls its term {term}")
            }
            Rule::TermsRise { term, earlier } => {
                write!(f, "{pod} took term {term} at {at:.3} s, after term {earlier}")
            }
            Rule::WaitedOut { waited, wanted } => {
                let (waited, wanted) = (waited.as_secs_f64(), wanted.as_secs_f64());
                write!(
                    f,
                    "{pod} took the Lease at {at:.3} s after {waited:.3} s, wanted {wanted:.3} s"
                )
            }
            Rule::OnlyWhatIsStampedAndRead => {
                write!(f, "{pod} took a Lease at {at:.3} s that has no stamp or cannot be read")
            }
            Rule::NoLabelBeforeTheTerm => {
                write!(f, "{pod} was labelled goose at {at:.3} s before the Lease gave it a term")
            }
        }
    }
}
