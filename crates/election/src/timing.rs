//! Every span of the election, from two numbers that a user sets.
//!
//! With the defaults, a lease of 6 s renewed every 2 s:
//!
//! ```text
//! sent                renewal due                               deadline    Ducks may take
//!  |--- renewal 2 s ---|- attempt -|- attempt -|- attempt -|-pause-|--margin--|
//!  0                   2 s                                       5.79 s      6 s
//! ```

use std::time::Duration;

/// The shortest lease that may be asked for.
pub const SHORTEST_LEASE: Duration = Duration::from_secs(2);

/// The longest lease that may be asked for, and how long a record is waited
/// out whose true duration nobody knows.
pub const LONGEST_LEASE: Duration = Duration::from_secs(60);

/// The shortest time between two renewals that may be asked for.
pub const SHORTEST_RENEWAL: Duration = Duration::from_millis(200);

/// How many whole attempts to renew must fit between the time a renewal is
/// due and the deadline.
pub const ATTEMPTS: u32 = 3;

/// The lease and all that follows from it. Two numbers are chosen, the rest is
/// arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    lease: Duration,
    renewal: Duration,
}

/// Why a [`Timing`] was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// The lease is out of bounds.
    #[error(
        "wanted a lease duration from {SHORTEST_LEASE:?} to {LONGEST_LEASE:?}, found {0:?}: \
         write for example 6s"
    )]
    Lease(Duration),
    /// The renewal is out of bounds.
    #[error(
        "wanted a renewal of at least {SHORTEST_RENEWAL:?} and at most a third of the lease \
         duration ({lease:?} / 3 = {third:?}), so that {ATTEMPTS} whole attempts fit before the \
         Goose must step down, found {renewal:?}"
    )]
    Renewal {
        /// The renewal that was asked for.
        renewal: Duration,
        /// The lease it was asked for with.
        lease: Duration,
        /// The longest renewal that fits.
        third: Duration,
    },
}

impl Timing {
    /// A lease that lasts `lease` and is renewed every `renewal`, in whole
    /// milliseconds, as the record has them.
    ///
    /// # Errors
    /// When one of them is out of bounds, with the arithmetic.
    pub fn new(lease: Duration, renewal: Duration) -> Result<Timing, TimingError> {
        let (lease, renewal) = (whole_millis(lease), whole_millis(renewal));
        if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&lease) {
            return Err(TimingError::Lease(lease));
        }
        let third = lease / ATTEMPTS;
        if renewal < SHORTEST_RENEWAL || renewal > third {
            return Err(TimingError::Renewal { renewal, lease, third });
        }
        Ok(Timing { lease, renewal })
    }

    /// How long a Duck waits on a record (rule 4).
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// A renewal is due so long after the last applied write was sent.
    pub fn renewal(&self) -> Duration {
        self.renewal
    }

    /// For how long after sending it an applied write makes its holder Goose:
    /// `lease × (1 − ρ) − guard` (rule 1). All of the margin is the holder's.
    pub fn allowance(&self) -> Duration {
        allowance(self.lease)
    }

    /// After how long an attempt to write is given up, its outcome unknown.
    ///
    /// [`ATTEMPTS`] attempts, each followed by a [`pause`](Timing::pause) of a
    /// tenth of it, fill the time between a renewal's due time and the
    /// deadline: `(allowance − renewal) / (3 × 1.1)`.
    pub fn attempt(&self) -> Duration {
        (self.allowance() - self.renewal) * 10 / (ATTEMPTS * 11)
    }

    /// How long to pause after an attempt that failed: a tenth of one, so that it counts in
    /// [`attempt`](Timing::attempt).
    pub fn pause(&self) -> Duration {
        self.attempt() / 10
    }

    /// After how long without any event a watch is suspected: 2½ renewals.
    pub fn silence(&self) -> Duration {
        self.renewal * 5 / 2
    }

    /// The longest hold that may be promised (rule 11): with [`stretched`] it
    /// fits before the deadline even while the first attempt of a due renewal
    /// is on its way.
    pub fn longest_hold(&self) -> Duration {
        whole_millis((self.allowance() - self.renewal - self.attempt()) * 100 / STRETCH_PERCENT)
    }
}

impl Default for Timing {
    fn default() -> Timing {
        Timing { lease: Duration::from_secs(6), renewal: Duration::from_secs(2) }
    }
}

/// `lease × (1 − ρ) − guard`, for the duration in a record (rule 1), with the [`guard`] of that duration.
pub fn allowance(lease: Duration) -> Duration {
    let drift = lease * RHO_PER_MILLE / 1000;
    (lease - drift).saturating_sub(guard(lease))
}

/// What no clock shows: the time between a look at the clock and the act that
/// it was for. 2.5 % of the lease, from 50 ms to 250 ms. A jump of the wall
/// clock beyond it is suspected to be a freeze (rule 3).
pub fn guard(lease: Duration) -> Duration {
    (lease / 40).clamp(Duration::from_millis(50), Duration::from_millis(250))
}

/// What a promise of `hold` costs its giver: its asker may count it on a clock
/// slewed by 10 % and drifting by ρ, so × 1.12 (rule 11).
pub fn stretched(hold: Duration) -> Duration {
    hold * STRETCH_PERCENT / 100
}

/// What a record's duration is taken for, whatever stands there: the bounds of
/// what a holder may write (rule 4).
pub fn clamped(duration: Duration) -> Duration {
    duration.clamp(SHORTEST_LEASE, LONGEST_LEASE)
}

/// When the member of the given rank among the successors tries, after the
/// Lease became free: because it was `released`, or because it was waited out.
/// The first at once; the second when the first one's write and its event would
/// have been seen; the others spread over a wait of `jitter` thousandths of half
/// a second, so that a thousand of them cost three writes and not a thousand. No
/// rule: who tries too early is refused, or leads in another one's stead.
pub fn stagger(rank: Option<usize>, jitter: u16, released: bool) -> Duration {
    match rank {
        Some(0) => Duration::ZERO,
        Some(1) if released => SECOND_AFTER_RELEASE,
        Some(1) => SECOND_AFTER_LEASE,
        _ => OTHERS + OTHERS_SPREAD * u32::from(jitter) / 1000,
    }
}

/// For how much longer all others wait where the role was handed over to one pod by name: whoever asked
/// for that one wants it rather than another some milliseconds sooner, also on a slow machine. This is
/// what it costs when that pod is dead.
pub const HEAD_START: Duration = Duration::from_millis(500);

/// The record tells spans in milliseconds: what it is compared with must not
/// have more.
pub(crate) fn whole_millis(span: Duration) -> Duration {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// ρ, the bound on how much two members' raw clocks may differ in rate: 1 %.
/// Raw oscillators differ by some 0.01 %.
const RHO_PER_MILLE: u32 = 10;

/// 1.10 for a slewed clock × 1.01 for ρ, rounded up.
const STRETCH_PERCENT: u32 = 112;

/// Everybody hears of a release at one time, so the one that is wanted most has
/// it, also where its write takes some 15 ms because etcd has a slow disk.
const SECOND_AFTER_RELEASE: Duration = Duration::from_millis(50);

/// Each waits a lease out from when it saw the last renewal. The first in line
/// may have come only after that, which the second cannot know, and then this is
/// for how much longer there is no Goose. A write takes 4 ms at the median and
/// 10 ms at p99.
const SECOND_AFTER_LEASE: Duration = Duration::from_millis(25);

/// The first two have been seen by then, also by a busy API server.
const OTHERS: Duration = Duration::from_millis(100);

const OTHERS_SPREAD: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn three_whole_attempts_fit_before_the_deadline_at_every_allowed_timing() {
        for lease in (2_000..=60_000).step_by(500) {
            for renewal in [200, lease / 6, lease / 3] {
                let timing = Timing::new(lease * MS, renewal.max(200) * MS).unwrap();
                let needed = timing.renewal() + ATTEMPTS * (timing.attempt() + timing.pause());
                assert!(needed <= timing.allowance(), "{timing:?}");
                assert!(timing.attempt() >= 100 * MS, "{timing:?}");
            }
        }
    }

    #[test]
    fn a_hold_fits_before_the_deadline_while_a_renewal_is_on_its_way() {
        let timing = Timing::default();
        let worst = timing.renewal() + timing.attempt() + stretched(timing.longest_hold());
        assert!(worst <= timing.allowance());
    }

    #[test]
    fn the_errors_tell_the_arithmetic() {
        let s = Duration::from_secs;
        assert_eq!(
            Timing::new(s(6), s(3)).unwrap_err().to_string(),
            "wanted a renewal of at least 200ms and at most a third of the lease duration \
             (6s / 3 = 2s), so that 3 whole attempts fit before the Goose must step down, found 3s"
        );
        assert_eq!(
            Timing::new(s(1), MS * 300).unwrap_err().to_string(),
            "wanted a lease duration from 2s to 60s, found 1s: write for example 6s"
        );
    }
}
