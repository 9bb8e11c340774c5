//! Rule 6: the longest lease that the cluster has ever used.
//!
//! A Goose that nobody knows of may count on no more than that, so a new Lease is waited out for
//! that long. It stands in the status before anything longer is ordered or used.

use std::time::Duration;

use api::DuckGooseClusterStatus;
use election::timing::LONGEST_LEASE;

use super::owner::Standing;

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

/// Whether the cluster never used any lease: it is as it was created, nothing was ever written to
/// its status, and of the objects by its name none was made for it.
///
/// What a deleted cluster of the same name left behind does not count. The garbage collector is
/// about to take it, and until then that cluster's pods keep the Lease from being stamped.
pub fn is_newborn(
    generation: Option<i64>,
    status: Option<&DuckGooseClusterStatus>,
    of_its_name: &[Standing],
) -> bool {
    let left_behind = of_its_name.iter().all(|whose| *whose == Standing::Predecessor);
    generation == Some(1) && status.is_none() && left_behind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_newborn_in_spite_of_what_its_predecessor_left() {
        use Standing::{Ours, Predecessor, Unowned};
        let (written, foreign) = (DuckGooseClusterStatus::default(), Standing::Foreign("x".into()));
        for (generation, status, of_its_name, wanted) in [
            (Some(1), None, vec![], true),
            (Some(1), None, vec![Predecessor, Predecessor], true),
            // Its own Lease, but no status: that was lost.
            (Some(1), None, vec![Ours], false),
            (Some(1), None, vec![Predecessor, Ours], false),
            // A Lease that was restored, of whatever age.
            (Some(1), None, vec![Unowned], false),
            (Some(1), None, vec![foreign], false),
            (Some(1), Some(&written), vec![], false),
            (Some(2), None, vec![], false),
            (None, None, vec![], false),
        ] {
            let found = is_newborn(generation, status, &of_its_name);
            assert_eq!(found, wanted, "{generation:?} {status:?} {of_its_name:?}");
        }
    }

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
