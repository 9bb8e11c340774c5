//! What to do about what the role file tells.

use std::time::Duration;

use election::clock::Reading;

use crate::role_file::{Hold, Told};

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Wait,
    /// Start the command, by this hold.
    Start(Hold),
    /// Let it go on, by this hold.
    Keep(Hold),
    /// Tell it to end.
    Stop,
    /// Kill it.
    Kill,
}

/// Decides from what the file tells, and what runs by which hold and whether it
/// was told to end. A command that was told to end is not let go on, also where
/// the pod is the Goose again.
pub fn act(told: &Told, running: Option<(&Hold, bool)>, now: &Reading) -> Act {
    match (told, running) {
        // With most of a hold ahead: not what a sidecar has left that no longer gives any.
        (Told::Goose(hold), None) if hold.left(now) > hold.length / 2 => Act::Start(*hold),
        (_, None) => Act::Wait,
        (_, Some((hold, _))) if time_to_kill(hold, now).is_zero() && !is_newer(told, hold) => {
            Act::Kill
        }
        (_, Some((_, true))) => Act::Wait,
        (Told::Goose(next), Some((hold, false)))
            if next.term == hold.term && next.left(now) > next.length / LAST_PART =>
        {
            Act::Keep(*next)
        }
        (_, Some((_, false))) => Act::Stop,
    }
}

/// Until the command must be killed so that it is gone when the hold ends.
pub fn time_to_kill(hold: &Hold, now: &Reading) -> Duration {
    hold.left(now).saturating_sub(hold.length / KILLING_TAKES)
}

/// Whether the file tells of a later hold for the same term than the one known.
fn is_newer(told: &Told, known: &Hold) -> bool {
    matches!(told, Told::Goose(hold) if hold.term == known.term && hold.until_raw > known.until_raw)
}

/// The last third of a hold is for the command to end in.
const LAST_PART: u32 = 3;

/// The last tenth is for the kernel to kill it in.
const KILLING_TAKES: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Reading {
        let clock = Duration::from_millis(ms);
        Reading { boottime: clock, raw: clock, slept: Duration::ZERO, wall: clock }
    }

    fn hold(term: u64, from: u64) -> Hold {
        Hold::from(&at(from), term, Duration::from_millis(900))
    }

    fn unknown() -> Told {
        Told::Unknown("gone".to_owned())
    }

    #[test]
    fn it_starts_by_a_fresh_hold_only() {
        let told = Told::Goose(hold(7, 0));
        assert_eq!(act(&told, None, &at(100)), Act::Start(hold(7, 0)));
        assert_eq!(act(&told, None, &at(450)), Act::Wait);
        assert_eq!(act(&Told::Duck, None, &at(0)), Act::Wait);
        assert_eq!(act(&unknown(), None, &at(0)), Act::Wait);
    }

    #[test]
    fn it_goes_on_by_each_new_hold_of_its_term() {
        let running = hold(7, 0);
        let told = Told::Goose(hold(7, 200));
        assert_eq!(act(&told, Some((&running, false)), &at(300)), Act::Keep(hold(7, 200)));
        // A look that comes late finds the new hold before it kills by the old one.
        let told = Told::Goose(hold(7, 800));
        assert_eq!(act(&told, Some((&running, false)), &at(880)), Act::Keep(hold(7, 800)));
    }

    #[test]
    fn it_is_told_to_end_once_the_role_is_gone_or_not_sure_for_long() {
        let running = hold(7, 0);
        let stops = |told, ms| act(&told, Some((&running, false)), &at(ms));
        assert_eq!(stops(Told::Duck, 100), Act::Stop);
        assert_eq!(stops(unknown(), 100), Act::Stop);
        assert_eq!(stops(Told::Goose(hold(8, 90)), 100), Act::Stop);
        assert_eq!(stops(Told::Goose(running), 599), Act::Keep(running));
        assert_eq!(stops(Told::Goose(running), 600), Act::Stop);
    }

    #[test]
    fn it_is_killed_before_its_hold_ends_whatever_the_file_tells() {
        let running = hold(7, 0);
        for told in [Told::Duck, unknown(), Told::Goose(running), Told::Goose(hold(8, 800))] {
            for stopping in [false, true] {
                let act = |ms| act(&told, Some((&running, stopping)), &at(ms));
                assert_ne!(act(809), Act::Kill);
                assert_eq!(act(810), Act::Kill, "{told:?}");
                assert_eq!(act(10_000), Act::Kill, "{told:?}");
            }
        }
    }

    #[test]
    fn one_that_was_told_to_end_gets_no_new_hold() {
        let running = hold(7, 0);
        let told = Told::Goose(hold(7, 300));
        assert_eq!(act(&told, Some((&running, true)), &at(400)), Act::Wait);
    }
}
