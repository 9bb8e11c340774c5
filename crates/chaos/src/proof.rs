//! Electors that are known to be bad, and the faults that show it.
//!
//! A harness that finds nothing wrong with anything proves nothing. Each of these is the sidecar with
//! one rule of the election broken (a `Mutation` of the election crate), or the election that most
//! controllers have today; and each must be found out by the same observer and the same judge that pass
//! the one that ships.
//!
//! Not every mutation shows on a real cluster. `RoleByFlag` does not: the sidecar's one thread fires
//! its timers before it answers what came while it was frozen. `ReadExtends` does not: a Goose reads
//! only after a silence, and must be cut off in the half second between that read and the next
//! taking. The model and the stories of the election crate kill these, and all others.

use std::time::Duration;

use crate::fault::Fault;
use crate::schedule::{Aim, Planned, Schedule};
use crate::verdict::{Finding, Kind, Verdict};

/// A bad elector, and how it is found out.
#[derive(Clone, Debug)]
pub struct Case {
    /// Who it is.
    pub elector: BadElector,
    /// What is done to it.
    pub schedule: Schedule,
    /// What must be found, one of these.
    pub expected: &'static [Kind],
}

/// An elector that is known to be bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadElector {
    /// Our sidecar with a rule broken.
    Mutated {
        /// Name of the mutation.
        mutation: &'static str,
        /// How its clocks run, where they must run wrong for it to show.
        clocks: Option<&'static str>,
    },
    /// client-go's `LeaderElector`. Cut off, a leader releases its Lease before it is told that it leads
    /// no more, and the release is tried for as long as a renewal is.
    ClientGo,
}

impl BadElector {
    /// A name for folders and people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mutated { mutation, .. } => mutation,
            Self::ClientGo => "client-go",
        }
    }
}

impl Case {
    /// The first finding that shows it, where it was found out.
    pub fn shown_by<'a>(&self, verdict: &'a Verdict) -> Option<&'a Finding> {
        verdict.findings.iter().find(|finding| self.expected.contains(&finding.kind))
    }
}

/// All of them.
pub fn cases(lease: Duration) -> Vec<Case> {
    let cut_off = (Fault::BlackHole, 0.0, 3.0);
    let case = |elector, round: &[(Fault, f64, f64)], expected| Case {
        elector,
        schedule: Schedule { seed: 0, rounds: vec![planned(round, lease); ROUNDS] },
        expected,
    };
    let shown = |mutation, round: &[(Fault, f64, f64)], expected| {
        case(BadElector::Mutated { mutation, clocks: None }, round, expected)
    };
    let on_slewed_clocks = |mutation| BadElector::Mutated { mutation, clocks: Some("slewed") };
    vec![
        shown("UnknownIsApplied", &[cut_off], TWO_GEESE),
        shown(
            "CountFromAnswer",
            &[(Fault::AnswersDelayed, 0.0, 1.5), (Fault::BlackHole, 1.0, 3.0)],
            TWO_GEESE,
        ),
        shown("FreeUnfollowed", &[cut_off, (Fault::LeaseRestored, 0.1, 0.0)], TWO_GEESE),
        shown("QuarantineIsFree", &[cut_off, (Fault::LeaseDeleted, 0.1, 0.0)], TWO_GEESE),
        shown(
            "UnstampedBelieved",
            &[(Fault::OperatorAbsent, 0.0, 3.0), (Fault::LeaseMadeAnew, 1.0, 0.0)],
            &[Kind::Lease],
        ),
        shown("RenewalKeepsWait", &[(Fault::MirrorEdited, 0.0, 0.0)], &[Kind::Lease]),
        shown("TermIsPlusOne", &[(Fault::Killed, 0.0, 0.0)], &[Kind::Lease]),
        case(on_slewed_clocks("GooseTrustsBoottime"), &[cut_off], TWO_GEESE),
        case(BadElector::ClientGo, &[(Fault::NodeCut, 0.0, 3.0)], &[Kind::TwoGeese]),
    ]
}

/// Faults of the Goose, by when they begin and how long they last, in leases.
fn planned(faults: &[(Fault, f64, f64)], lease: Duration) -> Vec<Planned> {
    let planned = faults.iter().map(|&(fault, after, lasts)| Planned {
        fault,
        aim: Aim::Goose,
        after: lease.mul_f64(after),
        lasts: lease.mul_f64(lasts),
        pick: pick(fault),
    });
    planned.collect()
}

/// The copy that is restored is one of a released record; the answers are delayed to one member.
fn pick(fault: Fault) -> u64 {
    u64::from(fault == Fault::LeaseRestored)
}

/// Chance has a part in most of them.
const ROUNDS: usize = 5;

const TWO_GEESE: &[Kind] = &[Kind::TwoGeese, Kind::TermWentBack];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_expected_to_be_found_out_by_something() {
        for case in cases(Duration::from_secs(3)) {
            assert_eq!(case.shown_by(&Verdict::default()), None, "{:?}", case.elector);
            let at = Duration::ZERO;
            let finding = Finding { at, kind: case.expected[0], text: String::new() };
            let verdict = Verdict { findings: vec![finding.clone()], ..Verdict::default() };
            assert_eq!(case.shown_by(&verdict), Some(&finding), "{:?}", case.elector);
        }
    }
}
