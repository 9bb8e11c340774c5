//! Rule 6: the longest lease that the cluster has ever used.
//!
//! A Goose that nobody knows of may count on no more than that, so a new Lease is waited out for
//! that long. It stands in the status before anything longer is ordered or used.

use std::time::Duration;

use election::timing::LONGEST_LEASE;

/// What is to stand in the status as the longest lease before a lease of `uses` is ordered or
/// waited out.
///
/// `stands` is what stands there. Where nothing does, the cluster is either `newborn`, and never
/// used any, or its status was lost: then it may have used the longest that may be asked for.
pub fn longest(stands: Option<Duration>, newborn: bool, uses: &[Duration]) -> Duration {
    let before = match stands {
        Some(stands) => stands,
        None if newborn => Duration::ZERO,
        None => LONGEST_LEASE,
    };
    uses.iter().copied().fold(before, Duration::max).min(LONGEST_LEASE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_grows_and_is_never_guessed_too_short() {
        let s = Duration::from_secs;
        for (stands, newborn, uses, wanted) in [
            (None, true, vec![s(6)], s(6)),
            (None, false, vec![s(6)], LONGEST_LEASE),
            (Some(s(6)), false, vec![s(6)], s(6)),
            (Some(s(6)), false, vec![s(30)], s(30)),
            (Some(s(30)), false, vec![s(6)], s(30)),
            // A record that somebody forged, or an order that somebody gave.
            (Some(s(6)), false, vec![s(6), s(20)], s(20)),
            (Some(s(6)), false, vec![s(6), s(9999)], LONGEST_LEASE),
        ] {
            assert_eq!(longest(stands, newborn, &uses), wanted, "{stands:?} {newborn} {uses:?}");
        }
    }
}
