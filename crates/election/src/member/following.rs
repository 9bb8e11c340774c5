//! Rules 4 and 8: what a member has followed of the Lease without a gap.

use std::time::Duration;

use crate::clock::{Instant, Reading};
use crate::lease::Lease;
use crate::mutation::{Broken, Mutation};
use crate::record::{Incarnation, Record};
use crate::timing::clamped;

/// What was seen of the record on one unbroken chain of versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Following {
    current: Option<Followed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Followed {
    proof: ProofOfLife,
    released: bool,
    /// When this proof of life was first seen on this chain.
    since: Instant,
    /// How long it is to be waited on.
    duration: Duration,
    /// Who was last seen to hold the record on this chain, and in which term.
    held: Option<(Incarnation, u64)>,
}

/// Changes whenever a holder shows that it lives, and only then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ProofOfLife {
    uid: String,
    holder: Option<Incarnation>,
    term: u64,
    attempt: u64,
}

impl Following {
    /// The chain is broken, or there is nothing to follow.
    pub fn lose(&mut self) {
        self.current = None;
    }

    /// The next version on the chain: every version before it was seen. `least`
    /// is the lease duration of the object: no edit of the record's duration
    /// alone makes a wait shorter than that, or than what was seen with the
    /// same proof of life.
    pub fn follow(
        &mut self,
        now: &Reading,
        lease: &Lease,
        record: &Record,
        least: Duration,
        broken: Broken,
    ) {
        let proof = ProofOfLife::of(lease, record);
        let before = self.current.take();
        let held_before = before.as_ref().filter(|b| b.proof.uid == proof.uid);
        let held = match &record.holder {
            Some(holder) => Some((holder.clone(), record.term)),
            None => held_before.and_then(|before| before.held.clone()),
        };
        let same = before
            .filter(|b| b.proof.is_same(&proof, broken) && b.released == record.released)
            .filter(|_| !broken.is(Mutation::AnyVersionRestartsWait));
        let (since, seen_duration) = match same {
            Some(same) => (same.since, same.duration),
            None => (now.instant(), least),
        };
        let duration = if broken.is(Mutation::ShortRecordBelieved) {
            record.duration
        } else {
            record.duration.max(seen_duration)
        };
        self.current = Some(Followed { proof, released: record.released, since, duration, held });
    }

    /// When the record has been waited out (rule 4), to be reached on both
    /// clocks; `None` while nothing is followed.
    pub fn waited_out_at(&self, broken: Broken) -> Option<Instant> {
        let followed = self.current.as_ref()?;
        let unbounded = broken.is(Mutation::LongRecordBelieved);
        let wait = if unbounded { followed.duration } else { clamped(followed.duration) };
        Some(followed.since.plus(wait))
    }

    /// Since when the record is free at once (rule 8): it was followed from
    /// held in that very term to released. `None` when it is not.
    pub fn free_since(&self, broken: Broken) -> Option<Instant> {
        let followed = self.current.as_ref()?;
        let held_in = followed.held.as_ref().map(|(_, term)| *term);
        let in_that_term = held_in == Some(followed.proof.term)
            || broken.is(Mutation::FreeUnfollowed)
            || broken.is(Mutation::FreeFromAnyTerm) && held_in.is_some();
        let quarantine = followed.proof.holder.is_none() && !followed.released;
        let free = followed.released && in_that_term
            || quarantine && broken.is(Mutation::QuarantineIsFree);
        free.then_some(followed.since)
    }

    /// Who was last seen to hold the record.
    pub fn last_holder(&self) -> Option<&Incarnation> {
        self.current.as_ref()?.held.as_ref().map(|(holder, _)| holder)
    }
}

impl ProofOfLife {
    fn of(lease: &Lease, record: &Record) -> ProofOfLife {
        ProofOfLife {
            uid: lease.uid.clone(),
            holder: record.holder.clone(),
            term: record.term,
            attempt: record.attempt,
        }
    }

    fn is_same(&self, other: &ProofOfLife, broken: Broken) -> bool {
        let same_attempt = self.attempt == other.attempt || broken.is(Mutation::RenewalKeepsWait);
        same_attempt
            && (&self.uid, &self.holder, self.term) == (&other.uid, &other.holder, other.term)
    }
}

#[cfg(feature = "mutations")]
impl crate::canonical::Canonical for Following {
    fn canonical(&mut self, renaming: &mut dyn crate::canonical::Renaming) {
        let Some(followed) = &mut self.current else { return };
        renaming.instant(&mut followed.since);
        renaming.version(&mut followed.proof.term);
        renaming.attempt(followed.proof.holder.as_ref(), &mut followed.proof.attempt);
        if let Some((_, term)) = &mut followed.held {
            renaming.version(term);
        }
    }
}
