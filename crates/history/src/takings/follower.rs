//! Follows the Lease from version to version, and finds what was taken against the rules.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::{Breach, Rule};
use crate::lease::{LeaseSeen, LeaseState};

/// Follows the Lease from version to version.
pub(super) struct Follower<'a> {
    /// Versions that say what a hand wrote.
    by_hand: &'a BTreeSet<u64>,
    /// When the API server stood still.
    stills: &'a [Range<Duration>],
    last: Option<&'a LeaseSeen>,
    /// Since when the last version's proof of life has stood there, at the earliest.
    since: Duration,
    /// The longest duration that stood there with it (rule 4).
    longest: Duration,
    /// The Leases that were seen stamped: they stay so (rule 6).
    stamped: BTreeSet<&'a str>,
    /// The last version's record was released by whom it held before.
    followed_to_its_end: bool,
    /// Who held it last, in which term; of those that were not written by hand.
    holding: Option<(&'a Arc<str>, u64)>,
    greatest: u64,
}

impl<'a> Follower<'a> {
    pub(super) fn new(by_hand: &'a BTreeSet<u64>, stills: &'a [Range<Duration>]) -> Self {
        Self {
            by_hand,
            stills,
            last: None,
            since: Duration::ZERO,
            longest: Duration::ZERO,
            stamped: BTreeSet::new(),
            followed_to_its_end: false,
            holding: None,
            greatest: 0,
        }
    }

    /// What this version breaks.
    pub(super) fn see(&mut self, seen: &'a LeaseSeen) -> Vec<Breach> {
        let is_by_hand = self.by_hand.contains(&seen.version);
        let mut breaches = Vec::new();
        if let LeaseState::Held { pod, incarnation, term, .. } = &seen.state
            && !is_by_hand
        {
            if self.holding != Some((incarnation, *term)) {
                let rules = self.taking(seen, incarnation, *term).into_iter();
                breaches.extend(rules.map(|rule| Breach { at: seen.at, pod: pod.clone(), rule }));
            }
            self.holding = Some((incarnation, *term));
            if !self.may_be_a_missed_hands(seen) {
                self.greatest = self.greatest.max(*term);
            }
        }
        if !is_by_hand && let Some(pod) = self.touched_without_a_stamp(seen) {
            let rule = Rule::OnlyWhatIsStampedAndRead;
            breaches.push(Breach { at: seen.at, pod, rule });
        }
        self.go_on(seen, is_by_hand);
        breaches
    }

    /// Name of the pod that wrote to a Lease which never had a stamp.
    fn touched_without_a_stamp(&self, seen: &LeaseSeen) -> Option<Arc<str>> {
        let last = self.last.filter(|last| last.uid == seen.uid && !seen.after_gap)?;
        if self.stamped.contains(&*seen.uid) {
            return None;
        }
        match (&last.state, &seen.state) {
            (LeaseState::Unstamped { write: before }, LeaseState::Unstamped { write })
                if before != write =>
            {
                write.as_ref()?.0.split('_').next().map(Arc::from)
            }
            _ => None,
        }
    }

    /// Whether a hand wrote in the gap before this version: what it says may be that.
    fn may_be_a_missed_hands(&self, seen: &LeaseSeen) -> bool {
        let since = self.last.map_or(0, |last| last.version);
        seen.after_gap && self.by_hand.iter().any(|hand| (since + 1..seen.version).contains(hand))
    }

    fn taking(&self, seen: &LeaseSeen, taker: &Arc<str>, term: u64) -> Vec<Rule> {
        // Who held it when the observation began had taken it before.
        let Some(last) = self.last else { return Vec::new() };
        if self.may_be_a_missed_hands(seen) {
            return Vec::new();
        }
        let mut rules = Vec::new();
        if term <= self.greatest {
            rules.push(Rule::TermsRise { term, earlier: self.greatest });
        }
        if seen.after_gap {
            return rules;
        }
        if term != last.version {
            rules.push(Rule::TermIsTheVersionTaken { term, taken: last.version });
        }
        match &last.state {
            LeaseState::Unstamped { .. } | LeaseState::Unreadable { .. } | LeaseState::Gone => {
                rules.push(Rule::OnlyWhatIsStampedAndRead);
            }
            LeaseState::Released { .. } if self.followed_to_its_end => {}
            // Exactly its own last version: nobody was between.
            LeaseState::Held { incarnation, .. }
                if incarnation == taker && !self.by_hand.contains(&last.version) => {}
            LeaseState::Released { .. }
            | LeaseState::Quarantined { .. }
            | LeaseState::Held { .. } => {
                let waited = seen.at.saturating_sub(self.since);
                let wanted = self.longest.clamp(SHORTEST_LEASE, LONGEST_LEASE);
                if waited + LATENESS < wanted {
                    rules.push(Rule::WaitedOut { waited, wanted });
                }
            }
        }
        rules
    }

    fn go_on(&mut self, seen: &'a LeaseSeen, is_by_hand: bool) {
        // The very version that was there before the gap stood there all the time.
        let is_same = self.last.is_some_and(|last| {
            let is_unbroken = !seen.after_gap || last.version == seen.version;
            last.uid == seen.uid && last.state.is_as_alive_as(&seen.state) && is_unbroken
        });
        let duration = seen.state.duration();
        if duration.is_some() {
            self.stamped.insert(&seen.uid);
        }
        let before = if is_same { self.longest } else { Duration::ZERO };
        self.longest = before.max(duration.unwrap_or_default());
        if !is_same {
            self.since = self.earliest(seen.at);
            self.followed_to_its_end = match (&seen.state, self.last.map(|last| &last.state)) {
                (LeaseState::Released { term, .. }, Some(LeaseState::Held { term: held, .. })) => {
                    term == held && !is_by_hand
                }
                // What was missed may have been its end.
                (LeaseState::Released { .. }, _) => seen.after_gap,
                _ => false,
            };
        }
        self.last = Some(seen);
    }

    /// When a version may have been there, of which the watch told at this time. Of what an API server did
    /// just before it stood still, it may have told some by then, and others after it.
    fn earliest(&self, told: Duration) -> Duration {
        let of_then =
            |still: &&Range<Duration>| still.start <= told && told <= still.end + LATENESS;
        self.stills.iter().find(of_then).map_or(told, |still| still.start)
    }
}

/// By how much one event of the watch may come later than another, on a machine that is busy.
const LATENESS: Duration = Duration::from_millis(500);

/// What a member takes a record's duration for, whatever stands there (rule 4).
const SHORTEST_LEASE: Duration = Duration::from_secs(2);

/// See [`SHORTEST_LEASE`].
const LONGEST_LEASE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::History;

    const LEASE: Duration = Duration::from_secs(3);

    fn seen(at: u64, version: u64, state: LeaseState) -> LeaseSeen {
        let at = Duration::from_millis(at);
        LeaseSeen { at, uid: "l".into(), version, state, after_gap: false }
    }

    fn held(by: &str, term: u64, attempt: u64) -> LeaseState {
        let incarnation = format!("{by}_uid-of-{by}_1").into();
        LeaseState::Held { pod: by.into(), incarnation, term, attempt, duration: LEASE }
    }

    fn held_for_twice_as_long(by: &str, term: u64, attempt: u64) -> LeaseState {
        let mut state = held(by, term, attempt);
        if let LeaseState::Held { duration, .. } = &mut state {
            *duration = LEASE * 2;
        }
        state
    }

    fn released(term: u64) -> LeaseState {
        LeaseState::Released { term, duration: LEASE }
    }

    fn quarantined(term: u64) -> LeaseState {
        LeaseState::Quarantined { term, duration: LEASE }
    }

    fn found(leases: &[LeaseSeen], by_hand: &[u64]) -> Vec<Rule> {
        found_beside(&[], leases, by_hand)
    }

    fn found_beside(
        stills: &[Range<Duration>],
        leases: &[LeaseSeen],
        by_hand: &[u64],
    ) -> Vec<Rule> {
        let history = History { leases: leases.to_vec(), ..History::default() };
        let breaches = history.breaches(&by_hand.iter().copied().collect(), stills);
        breaches.into_iter().map(|breach| breach.rule).collect()
    }

    #[test]
    fn what_keeps_the_rules_is_fine() {
        let leases = [
            seen(0, 5, quarantined(0)),
            seen(3100, 6, held("a", 5, 1)),
            seen(4100, 7, held("a", 5, 2)),
            seen(7200, 9, held("b", 7, 1)),
            seen(7300, 12, released(7)),
            seen(7310, 13, held("c", 12, 1)),
            seen(8000, 14, held("c", 12, 1)),
            seen(12000, 15, held("c", 14, 2)),
        ];
        assert_eq!(found(&leases, &[]), []);
    }

    #[test]
    fn a_held_record_is_waited_out() {
        let leases = [seen(0, 5, held("a", 4, 1)), seen(1000, 6, held("b", 5, 1))];
        let waited = Duration::from_secs(1);
        assert_eq!(found(&leases, &[]), [Rule::WaitedOut { waited, wanted: LEASE }]);
    }

    #[test]
    fn a_record_that_was_released_by_hand_is_waited_out() {
        let leases =
            [seen(0, 5, held("a", 4, 1)), seen(100, 6, released(3)), seen(200, 7, held("b", 6, 1))];
        assert_eq!(found(&leases, &[6]).len(), 1);
    }

    #[test]
    fn a_term_is_the_version_that_was_taken_and_rises() {
        let leases = [seen(0, 5, held("a", 4, 1)), seen(4000, 6, held("b", 3, 1))];
        assert_eq!(
            found(&leases, &[]),
            [
                Rule::TermsRise { term: 3, earlier: 4 },
                Rule::TermIsTheVersionTaken { term: 3, taken: 5 }
            ]
        );
    }

    #[test]
    fn what_has_no_stamp_is_not_taken_and_a_quarantine_is_gone_on_from() {
        let unstamped = seen(100, 6, LeaseState::Unstamped { write: None });
        let before = seen(0, 5, held("a", 4, 1));
        let taken = [before.clone(), unstamped.clone(), seen(9000, 7, held("b", 6, 1))];
        assert_eq!(found(&taken, &[]), [Rule::OnlyWhatIsStampedAndRead]);
        let kept = [before, unstamped, seen(150, 7, quarantined(4)), seen(160, 8, held("a", 4, 2))];
        assert_eq!(found(&kept, &[]), []);
    }

    #[test]
    fn what_has_no_stamp_is_not_written_to() {
        let by = |attempt| LeaseState::Unstamped { write: Some(("a_uid-of-a_1".into(), attempt)) };
        let leases = [seen(0, 5, by(1)), seen(10, 6, by(1)), seen(3000, 7, by(2))];
        assert_eq!(found(&leases, &[]), [Rule::OnlyWhatIsStampedAndRead]);
        assert_eq!(found(&leases, &[7]), []);
    }

    #[test]
    fn what_was_once_stamped_stays_so() {
        let by = |attempt| LeaseState::Unstamped { write: Some(("a_uid-of-a_1".into(), attempt)) };
        let leases = [seen(0, 5, held("a", 4, 1)), seen(10, 6, by(1)), seen(900, 7, by(2))];
        assert_eq!(found(&leases, &[6]), []);
    }

    /// Rule 4: a hand that changes the duration alone says nothing of the holder's life, and the longest
    /// is waited out since that was last said.
    #[test]
    fn a_longer_lease_is_waited_out_since_the_last_proof_of_life() {
        let taken = |at| {
            [
                seen(0, 5, held("a", 4, 1)),
                seen(600, 6, held_for_twice_as_long("a", 4, 1)),
                seen(at, 7, held("b", 6, 1)),
            ]
        };
        assert_eq!(found(&taken(6010), &[6]), []);
        let waited = Duration::from_millis(3610);
        assert_eq!(found(&taken(3610), &[6]), [Rule::WaitedOut { waited, wanted: LEASE * 2 }]);
    }

    #[test]
    fn the_longest_that_stood_there_is_waited_out_also_where_a_shorter_one_came_after_it() {
        let leases = [
            seen(0, 5, held_for_twice_as_long("a", 4, 1)),
            seen(600, 6, held("a", 4, 1)),
            seen(3610, 7, held("b", 6, 1)),
        ];
        let waited = Duration::from_millis(3610);
        assert_eq!(found(&leases, &[6]), [Rule::WaitedOut { waited, wanted: LEASE * 2 }]);
    }

    #[test]
    fn what_stood_there_when_the_api_server_stood_still_may_be_told_late() {
        let leases = [
            seen(0, 5, held("a", 4, 1)),
            seen(4110, 6, quarantined(4)),
            seen(4150, 7, held("b", 6, 1)),
        ];
        let still = |from, to| Duration::from_millis(from)..Duration::from_millis(to);
        assert_eq!(found_beside(&[still(100, 4100)], &leases, &[]), []);
        assert_eq!(found_beside(&[still(2000, 4100)], &leases, &[]).len(), 1);
        assert_eq!(found_beside(&[still(100, 3000)], &leases, &[]).len(), 1);
    }

    #[test]
    fn who_leaves_a_record_that_a_hand_wrote_as_it_is_took_nothing() {
        let leases = [
            seen(0, 5, held("a", 4, 1)),
            seen(100, 6, held("nobody", 4, 1)),
            seen(150, 7, held("nobody", 4, 1)),
            seen(3200, 8, held("a", 7, 2)),
        ];
        assert_eq!(found(&leases, &[6]), []);
        // But who changes anything in it did.
        let mut changed = leases.clone();
        changed[2].state = held("nobody", 4, 2);
        assert!(found(&changed, &[6]).contains(&Rule::TermsRise { term: 4, earlier: 4 }));
    }

    #[test]
    fn an_own_record_that_a_hand_changed_is_waited_out_also_where_another_wrote_since() {
        let edited = held("a", 4, 1001);
        let leases = [
            seen(0, 5, held("a", 4, 1)),
            seen(100, 6, edited.clone()),
            seen(150, 7, edited),
            seen(200, 8, held("a", 7, 2)),
        ];
        let waited = Duration::from_millis(100);
        assert_eq!(found(&leases, &[6]), [Rule::WaitedOut { waited, wanted: LEASE }]);
    }

    #[test]
    fn what_a_hand_wrote_in_a_gap_is_nobodys_taking() {
        let after = LeaseSeen { after_gap: true, ..seen(100, 8, held("nobody", 3, 1)) };
        let leases = [seen(0, 5, held("a", 4, 1)), after, seen(4000, 9, held("b", 8, 1))];
        assert_eq!(found(&leases, &[7]), []);
        assert_eq!(found(&leases, &[]), [Rule::TermsRise { term: 3, earlier: 4 }]);
    }

    #[test]
    fn a_gap_proves_nothing() {
        let after = LeaseSeen { after_gap: true, ..seen(100, 60, held("b", 50, 9)) };
        assert_eq!(found(&[seen(0, 5, held("a", 4, 1)), after], &[]), []);
    }

    #[test]
    fn what_stands_after_a_gap_as_before_it_stood_there_all_the_time() {
        let before = seen(0, 5, held("a", 4, 1));
        let after = |version| LeaseSeen { after_gap: true, ..seen(2000, version, held("a", 4, 1)) };
        let taken = |version| seen(3100, 9, held("b", version, 1));
        assert_eq!(found(&[before.clone(), after(5), taken(5)], &[]), []);
        let waited = Duration::from_millis(1100);
        let wanted = [Rule::WaitedOut { waited, wanted: LEASE }];
        assert_eq!(found(&[before, after(7), taken(7)], &[]), wanted);
    }
}
