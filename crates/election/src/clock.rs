//! Rule 3, the cautious clock: one look at three clocks, and instants on two
//! of them.
//!
//! No single clock of Linux tells how long a process was away:
//! `CLOCK_BOOTTIME` counts sleep but may legally be slewed by 8–10 % (chrony's
//! default), `CLOCK_MONOTONIC_RAW` is never slewed but stops in sleep. Whoever
//! must stop in time (a Goose) believes the clock that says *more* has passed;
//! whoever must wait long enough (a Duck) believes the one that says *less*.

use std::time::Duration;

/// One look at the clocks of this machine. Never compared between machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// `CLOCK_BOOTTIME`, since boot.
    pub boottime: Duration,
    /// `CLOCK_MONOTONIC_RAW`, since an arbitrary start.
    pub raw: Duration,
    /// `CLOCK_REALTIME`, since 1970. Only its jumps against `boottime` are
    /// used: they may be a freeze that the other two do not show.
    pub wall: Duration,
}

/// A point in time on both clocks that measure spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instant {
    pub(crate) boottime: Duration,
    pub(crate) raw: Duration,
}

impl Reading {
    /// This very moment as an [`Instant`].
    pub fn instant(&self) -> Instant {
        Instant { boottime: self.boottime, raw: self.raw }
    }

    /// The moment that comes `span` after this one, on each clock.
    pub fn after(&self, span: Duration) -> Instant {
        self.instant().plus(span)
    }

    /// How long ago `earlier` was, at the most: for people, and for no rule.
    pub fn since(&self, earlier: Instant) -> Duration {
        let boottime = self.boottime.saturating_sub(earlier.boottime);
        boottime.max(self.raw.saturating_sub(earlier.raw))
    }

    /// How far the wall clock moved against `CLOCK_BOOTTIME` since `earlier`.
    pub fn wall_jump_since(&self, earlier: &Reading) -> Duration {
        let ahead = self.wall + earlier.boottime;
        let behind = earlier.wall + self.boottime;
        ahead.abs_diff(behind)
    }
}

impl Instant {
    /// This instant, `span` later on each clock.
    pub fn plus(self, span: Duration) -> Instant {
        Instant { boottime: self.boottime + span, raw: self.raw + span }
    }

    /// The earlier of the two on each clock: what holds against both.
    pub fn earlier(self, other: Instant) -> Instant {
        Instant { boottime: self.boottime.min(other.boottime), raw: self.raw.min(other.raw) }
    }

    /// The later of the two on each clock: what covers both.
    pub fn later(self, other: Instant) -> Instant {
        Instant { boottime: self.boottime.max(other.boottime), raw: self.raw.max(other.raw) }
    }

    /// Whether this instant is not before `other` on either clock.
    pub fn is_at_least(self, other: Instant) -> bool {
        self.boottime >= other.boottime && self.raw >= other.raw
    }

    /// Reached on at least one clock: the question of one who must stop.
    pub fn reached_on_either(self, now: &Reading) -> bool {
        now.boottime >= self.boottime || now.raw >= self.raw
    }

    /// Reached on both clocks: the question of one who must wait.
    pub fn reached_on_both(self, now: &Reading) -> bool {
        now.boottime >= self.boottime && now.raw >= self.raw
    }

    /// Until one of the clocks reaches this instant; zero when it has.
    pub fn until_either(self, now: &Reading) -> Duration {
        let (boottime, raw) = self.left_on_each(now);
        boottime.min(raw)
    }

    /// Until both clocks have reached this instant; zero when they have.
    pub fn until_both(self, now: &Reading) -> Duration {
        let (boottime, raw) = self.left_on_each(now);
        boottime.max(raw)
    }

    fn left_on_each(self, now: &Reading) -> (Duration, Duration) {
        (self.boottime.saturating_sub(now.boottime), self.raw.saturating_sub(now.raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(boottime: u64, raw: u64, wall: u64) -> Reading {
        let s = Duration::from_secs;
        Reading { boottime: s(boottime), raw: s(raw), wall: s(wall) }
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
