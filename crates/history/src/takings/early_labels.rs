//! Labels that came before the version of the Lease that gives the term.

use std::collections::BTreeSet;

use super::{Breach, Rule};
use crate::labels::{Label, LabelSeen};
use crate::lease::{LeaseSeen, LeaseState};

/// Versions of pods and of the Lease come from one counter: a pod that was labelled in this version
/// must have been given its term in an earlier one.
pub(super) fn early_labels(
    labels: &[LabelSeen],
    leases: &[LeaseSeen],
    by_hand: &BTreeSet<u64>,
) -> Vec<Breach> {
    let is_given = |label: &LabelSeen| {
        leases.iter().filter(|seen| !by_hand.contains(&seen.version)).any(|seen| {
            match &seen.state {
                LeaseState::Held { incarnation, term, .. } => {
                    incarnation.split('_').nth(1) == Some(&*label.member) && *term < label.version
                }
                _ => false,
            }
        })
    };
    // Whom a gap swallowed cannot be told.
    let is_whole = !leases.is_empty() && !leases.iter().any(|seen| seen.after_gap);
    let geese = labels.iter().filter(|seen| seen.label == Label::Goose && seen.version > 0);
    let early = geese.filter(|seen| is_whole && !is_given(seen));
    early
        .map(|seen| Breach { at: seen.at, pod: seen.pod.clone(), rule: Rule::NoLabelBeforeTheTerm })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::whole::History;

    const LEASE: Duration = Duration::from_secs(3);

    #[test]
    fn a_label_comes_after_the_term() {
        let label = |version| LabelSeen {
            at: LEASE,
            member: "uid-of-a".into(),
            pod: "a".into(),
            label: Label::Goose,
            version,
        };
        let (pod, incarnation) = ("a".into(), "a_uid-of-a_1".into());
        let taken = LeaseSeen {
            at: LEASE,
            uid: "l".into(),
            version: 8,
            state: LeaseState::Held { pod, incarnation, term: 5, attempt: 1, duration: LEASE },
            after_gap: false,
        };
        let history = |version| History {
            leases: vec![taken.clone()],
            labels: vec![label(version)],
            ..History::default()
        };
        assert_eq!(history(9).breaches(&BTreeSet::new(), &[]), []);
        let early = history(4).breaches(&BTreeSet::new(), &[]);
        assert_eq!(early.len(), 1);
        assert_eq!(early[0].rule, Rule::NoLabelBeforeTheTerm);
    }
}
