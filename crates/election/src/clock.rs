//! Rule 3, the cautious clock: one look at the clocks, and instants on them.
//!
//! No single clock of Linux tells how long a process was away:
//! `CLOCK_BOOTTIME` counts sleep but may legally be slewed by 8–10 % (chrony's
//! default), `CLOCK_MONOTONIC_RAW` is never slewed but stops in sleep. What it
//! missed is `BOOTTIME − MONOTONIC`: both are slewed alike, and only the first
//! counts sleep.
//!
//! Whoever must stop in time (a Goose) believes the one that says *more* has
//! passed, of the boot clock and of the raw clock with the sleep added; whoever
//! must wait long enough (a Duck) the one that says *less*, of the boot clock
//! and of the raw clock without it, for what the hardware says of a sleep may
//! be a second off.

use std::time::Duration;

/// One look at the clocks of this machine. Never compared between machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// `CLOCK_BOOTTIME`, since boot.
    pub boottime: Duration,
    /// `CLOCK_MONOTONIC_RAW`, since an arbitrary start.
    pub raw: Duration,
    /// `CLOCK_BOOTTIME` − `CLOCK_MONOTONIC`: how long the machine has slept
    /// since boot. Where the two were not read at one time, rather less.
    pub slept: Duration,
    /// `CLOCK_REALTIME`, since 1970. Only its jumps against `boottime` are
    /// used: they may be a freeze that the other two do not show.
    pub wall: Duration,
}

/// A point in time on all clocks that measure spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instant {
    pub(crate) boottime: Duration,
    pub(crate) raw: Duration,
    pub(crate) raw_and_slept: Duration,
}

impl Reading {
    /// This very moment as an [`Instant`].
    pub fn instant(&self) -> Instant {
        let raw_and_slept = self.raw + self.slept;
        Instant { boottime: self.boottime, raw: self.raw, raw_and_slept }
    }

    /// The moment that comes `span` after this one, on each clock.
    pub fn after(&self, span: Duration) -> Instant {
        self.instant().plus(span)
    }

    /// How long ago `earlier` was, at the most: for people, and for no rule.
    pub fn since(&self, earlier: Instant) -> Duration {
        let now = self.instant();
        let boottime = now.boottime.saturating_sub(earlier.boottime);
        boottime.max(now.raw_and_slept.saturating_sub(earlier.raw_and_slept))
    }

    /// How far the wall clock moved against `CLOCK_BOOTTIME` since `earlier`, forward or back. More than
    /// the [`guard`](crate::timing::guard) is suspected to be a freeze (rule 3).
    pub fn wall_jump_since(&self, earlier: &Reading) -> Duration {
        let ahead = self.wall + earlier.boottime;
        let behind = earlier.wall + self.boottime;
        ahead.abs_diff(behind)
    }
}

impl Instant {
    /// This instant, `span` later on each clock.
    pub fn plus(self, span: Duration) -> Instant {
        self.with(self, |clock, _| clock + span)
    }

    /// The earlier of the two on each clock: what holds against both.
    pub fn earlier(self, other: Instant) -> Instant {
        self.with(other, Duration::min)
    }

    /// The later of the two on each clock: what covers both.
    pub fn later(self, other: Instant) -> Instant {
        self.with(other, Duration::max)
    }

    /// Whether this instant is not before `other` on any clock.
    pub fn is_at_least(self, other: Instant) -> bool {
        self.later(other) == self
    }

    /// Reached on the clock that says more: the question of one who must stop.
    pub fn reached_on_either(self, now: &Reading) -> bool {
        self.until_either(now).is_zero()
    }

    /// Reached on the clock that says less: the question of one who must wait.
    pub fn reached_on_both(self, now: &Reading) -> bool {
        self.until_both(now).is_zero()
    }

    /// Until one who must stop has reached this instant; zero when it has.
    pub fn until_either(self, now: &Reading) -> Duration {
        let left = self.left_on_each(now);
        left.boottime.min(left.raw_and_slept)
    }

    /// Until one who must wait has reached this instant; zero when it has.
    pub fn until_both(self, now: &Reading) -> Duration {
        let left = self.left_on_each(now);
        left.boottime.max(left.raw)
    }

    fn left_on_each(self, now: &Reading) -> Instant {
        self.with(now.instant(), Duration::saturating_sub)
    }

    pub(crate) fn with(
        self,
        other: Instant,
        combine: impl Fn(Duration, Duration) -> Duration,
    ) -> Instant {
        Instant {
            boottime: combine(self.boottime, other.boottime),
            raw: combine(self.raw, other.raw),
            raw_and_slept: combine(self.raw_and_slept, other.raw_and_slept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(boottime: u64, raw: u64, wall: u64) -> Reading {
        let s = Duration::from_secs;
        Reading { boottime: s(boottime), raw: s(raw), slept: s(0), wall: s(wall) }
    }

    #[test]
    fn a_clock_that_is_slewed_and_asleep_in_one_lease_deceives_no_goose() {
        let ms = Duration::from_millis;
        let at = |boottime, raw, slept| Reading {
            boottime: ms(boottime),
            raw: ms(raw),
            slept: ms(slept),
            wall: ms(boottime),
        };
        // 1.5 s awake with a boot clock that is 10 % slow, then 0.5 s asleep.
        let deadline = at(0, 0, 0).after(ms(1_930));
        let woken = at(1_850, 1_500, 500);
        assert!(deadline.reached_on_either(&woken));
        assert!(!deadline.reached_on_both(&woken));
    }

    #[test]
    fn one_who_must_stop_believes_the_faster_clock_and_one_who_waits_the_slower() {
        let deadline = reading(100, 10, 0).after(Duration::from_secs(6));
        let slept = reading(106, 11, 0);
        assert!(deadline.reached_on_either(&slept));
        assert!(!deadline.reached_on_both(&slept));
        assert_eq!(deadline.until_either(&slept), Duration::ZERO);
        assert_eq!(deadline.until_both(&slept), Duration::from_secs(5));
    }

    #[test]
    fn a_jump_of_the_wall_clock_shows_in_both_directions() {
        let then = reading(100, 100, 1_000);
        assert_eq!(reading(102, 102, 1_002).wall_jump_since(&then), Duration::ZERO);
        assert_eq!(reading(102, 102, 1_012).wall_jump_since(&then), Duration::from_secs(10));
        assert_eq!(reading(102, 102, 992).wall_jump_since(&then), Duration::from_secs(10));
    }
}
