//! How often this pod may hand its role over for its workload's sake. Without a
//! bound, two pods that are both ill would play ping-pong with it.

use std::time::Duration;

use tokio::time::Instant;

/// When the next hand-over is allowed.
#[derive(Default)]
pub struct BackOff {
    last: Option<(Instant, Duration)>,
}

impl BackOff {
    /// Whether one is allowed now, and notes that it happens. The wait until the
    /// next one doubles, and is short again after a time without any.
    pub fn allows(&mut self, now: Instant) -> bool {
        let wait = match self.last {
            Some((at, wait)) if now < at + wait => return false,
            Some((at, wait)) if now < at + 3 * wait => (wait * 2).min(LONGEST),
            _ => FIRST,
        };
        self.last = Some((now, wait));
        true
    }
}

const FIRST: Duration = Duration::from_secs(10);

const LONGEST: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_overs_get_rarer_and_are_forgiven_after_a_time_without_one() {
        let start = Instant::now();
        let mut back_off = BackOff::default();
        let mut allowed = |seconds| back_off.allows(start + Duration::from_secs(seconds));
        let found: Vec<_> = (0..200).filter(|&second| allowed(second)).collect();
        assert_eq!(found, [0, 10, 30, 70, 150]);
        // The wait is 160 s now: three of them without a hand-over.
        assert!(allowed(700));
        assert!(!allowed(709));
        assert!(allowed(710));
    }
}
