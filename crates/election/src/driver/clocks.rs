//! What the machine may not read itself: clocks and chance.

use std::time::Duration;

use rustix::rand::{GetRandomFlags, getrandom};
use rustix::time::{ClockId, clock_gettime};

use crate::clock::Reading;
use crate::record::{Incarnation, NotAnIncarnation};

/// The identity of this very process, with a nonce of its own: call it once.
///
/// # Errors
/// When the pod's name or uid are none, see [`Incarnation::new`].
pub fn incarnation(pod: &str, pod_uid: &str) -> Result<Incarnation, NotAnIncarnation> {
    let nonce = u64::from_ne_bytes(random());
    Incarnation::new(pod, pod_uid, &format!("{nonce:016x}"))
}

/// A random [`jitter`](crate::member::Config::jitter), in thousandths.
pub fn jitter() -> u16 {
    u16::from_ne_bytes(random()) % 1000
}

/// One look at the clocks of this machine.
///
/// The raw clocks first: should this thread be stopped in between, the wall
/// clock shows a jump (rule 3).
pub fn clocks() -> Reading {
    let boottime = span(ClockId::Boottime);
    // After the boot clock, so that a stop in between makes the sleep seem
    // shorter: nobody counts from a later moment than the one it read in.
    let slept = boottime.saturating_sub(span(ClockId::Monotonic));
    let raw = span(ClockId::MonotonicRaw);
    let wall = span(ClockId::Realtime);
    Reading { boottime, raw, slept, wall }
}

fn span(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).expect("Linux sets no clock to before its start")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = getrandom(&mut bytes[..], GetRandomFlags::empty());
    assert_eq!(filled, Ok(N), "Linux gives up to 256 random bytes in one piece");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_run_forward_together() {
        let before = clocks();
        std::thread::sleep(Duration::from_millis(20));
        let after = clocks();
        assert!(after.since(before.instant()) >= Duration::from_millis(20));
        assert!(before.after(Duration::from_millis(15)).reached_on_both(&after));
    }

    #[test]
    fn two_incarnations_of_a_pod_differ() {
        let [one, other] = [(); 2].map(|()| incarnation("pond-0", "5ff5").unwrap());
        assert_ne!(one, other);
        assert_eq!(one.pod_uid(), other.pod_uid());
        assert!(jitter() < 1000);
    }
}
