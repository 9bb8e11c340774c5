//! After a write failed: for how long to leave the API server alone.

use std::time::Duration;

use crate::clock::{Instant, Reading};
use crate::timing::Timing;

/// No write before it is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pause {
    until: Option<Instant>,
    /// How many takings in a row brought no answer.
    takings: u32,
}

impl Pause {
    /// A Goose's write had no answer that tells. It has only so long, so it
    /// obeys `asked`, the API server's wish, for no more than one attempt.
    pub fn after_renewal(&mut self, now: &Reading, asked: Duration, timing: &Timing) {
        self.until = Some(now.after(asked.clamp(timing.pause(), timing.attempt())));
    }

    /// A Duck's write had no answer that tells. A Duck has time, and there may
    /// be a thousand: the pauses double, up to half a renewal, half of each
    /// spread by the jitter in thousandths. The API server's wish is obeyed for
    /// up to one lease.
    pub fn after_taking(&mut self, now: &Reading, asked: Duration, timing: &Timing, jitter: u16) {
        let doubled = timing.pause() * 2u32.pow(1 + self.takings.min(MOST_DOUBLINGS));
        let longest = doubled.min(timing.renewal() / 2).max(timing.pause());
        let spread = longest / 2 + longest / 2 * u32::from(jitter) / 1000;
        self.until = Some(now.after(spread.max(asked.min(timing.lease()))));
        self.takings = self.takings.saturating_add(1);
    }

    /// The API server lives: pauses begin short again.
    pub fn answered(&mut self) {
        self.takings = 0;
    }

    /// What is to be said now cannot wait.
    pub fn end(&mut self) {
        self.until = None;
    }

    /// How long it still lasts.
    pub fn left(&self, now: &Reading) -> Duration {
        self.until.map_or(Duration::ZERO, |until| until.until_either(now))
    }
}

#[cfg(feature = "mutations")]
impl crate::canonical::Canonical for Pause {
    fn canonical(&mut self, renaming: &mut dyn crate::canonical::Renaming) {
        if let Some(until) = &mut self.until {
            renaming.instant(until);
        }
        self.until = self.until.filter(|until| !until.reached_on_either(&renaming.now()));
        // Any pause of a taking is shorter than a tick of the model.
        self.takings = 0;
    }
}

/// More than it takes to get from the shortest pause to half a renewal.
const MOST_DOUBLINGS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// The pauses after this many takings in a row without an answer.
    fn pauses(jitter: u16, asked: Duration) -> Vec<Duration> {
        let now =
            Reading { boottime: MS, raw: MS, slept: Duration::ZERO, wall: Duration::from_secs(1) };
        let mut pause = Pause::default();
        let next = |_| {
            pause.after_taking(&now, asked, &Timing::default(), jitter);
            pause.left(&now)
        };
        (0..20).map(next).collect()
    }

    #[test]
    fn pauses_of_takings_grow_to_half_a_renewal_and_members_are_spread() {
        let millis =
            |jitter| pauses(jitter, Duration::ZERO).iter().map(Duration::as_millis).collect();
        let [first, last]: [Vec<u128>; 2] = [millis(0), millis(999)];
        assert_eq!(first[..6], [114, 229, 459, 500, 500, 500]);
        assert_eq!(last[..6], [229, 459, 918, 999, 999, 999]);
        assert_eq!(last[19], 999);
    }

    #[test]
    fn a_duck_obeys_the_api_server_for_up_to_a_lease() {
        assert_eq!(pauses(0, MS * 3_000)[0], MS * 3_000);
        assert_eq!(pauses(0, MS * 60_000)[0], MS * 6_000);
    }

    #[test]
    fn a_goose_obeys_for_no_more_than_one_attempt() {
        let now = Reading { boottime: MS, raw: MS, slept: Duration::ZERO, wall: MS };
        let mut pause = Pause::default();
        for (asked, wanted) in
            [(0, Timing::default().pause()), (60_000, Timing::default().attempt())]
        {
            pause.after_renewal(&now, MS * asked, &Timing::default());
            assert_eq!(pause.left(&now), wanted);
        }
    }
}
