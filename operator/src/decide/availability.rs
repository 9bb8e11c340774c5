//! The condition Available: there is a Goose and its pod is ready.

use std::time::Duration;

use api::status::available;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::status::Verdict;

/// The Goose as far as its pod goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goose<'a> {
    /// Its pod of this name is ready.
    Ready(&'a str),
    /// Its pod of this name is not ready.
    NotReady(&'a str),
    /// No pod is the Goose.
    Nobody,
    /// Nobody can be the Goose before a quarantined Lease has been waited out for this long.
    NobodyYet(Duration),
}

/// What [`available()`] is decided from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The Goose now.
    pub goose: Goose<'a>,
    /// `spec.replicas`.
    pub replicas: i32,
    /// The condition as it stands in the status.
    pub before: Option<&'a Condition>,
    /// For how long there has been no Goose with a ready pod.
    pub without: Duration,
    /// One lease: an ordinary change of Goose takes no longer and changes no condition.
    pub patience: Duration,
}

/// Whether the cluster is available, and after which time that may change by itself.
pub fn available(now: Situation) -> (Verdict, Option<Duration>) {
    if let Goose::Ready(pod) = now.goose {
        let message = format!("{pod} is the Goose, and ready");
        return (Verdict::new("True", available::GOOSE_READY, message), None);
    }
    if now.replicas == 0 && matches!(now.goose, Goose::Nobody | Goose::NobodyYet(_)) {
        let message = "spec.replicas is 0: there is no pod to be the Goose";
        return (Verdict::new("False", available::SCALED_TO_ZERO, message), None);
    }
    if now.without > now.patience {
        return (unavailable(now.goose), None);
    }
    let look_again = Some(now.patience - now.without + Duration::from_millis(1));
    let verdict = match now.before {
        Some(before) if before.status == "False" && before.reason != available::SCALED_TO_ZERO => {
            unavailable(now.goose)
        }
        Some(before) if before.status != "False" => {
            Verdict::new(&before.status, &before.reason, before.message.clone())
        }
        _ => Verdict::new("Unknown", available::WAITING_FOR_FIRST_GOOSE, WAITING),
    };
    (verdict, look_again)
}

fn unavailable(goose: Goose) -> Verdict {
    match goose {
        Goose::Ready(pod) | Goose::NotReady(pod) => {
            let message = format!("{pod} is the Goose, but its pod is not ready");
            Verdict::new("False", available::GOOSE_NOT_READY, message)
        }
        Goose::Nobody => Verdict::new("False", available::NO_GOOSE, NOBODY),
        Goose::NobodyYet(wait) => {
            let message =
                format!("no pod is the Goose before the Lease has been idle for {wait:?}");
            Verdict::new("False", available::NO_GOOSE, message)
        }
    }
}

const WAITING: &str = "the first Goose waits until one lease has passed";

const NOBODY: &str =
    "no pod is the Goose: see whether pods run, and what their container duckgoose logs";

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn condition(status: &str, reason: &str) -> Condition {
        Condition {
            type_: "Available".into(),
            status: status.into(),
            reason: reason.into(),
            message: String::new(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: None,
        }
    }

    #[test]
    fn an_ordinary_change_of_goose_does_not_flap_it() {
        let (up, down) = (condition("True", "GooseReady"), condition("False", "NoGoose"));
        let (first, zero) =
            (condition("Unknown", "WaitingForFirstGoose"), condition("False", "ScaledToZero"));
        let (ready, unready, nobody) =
            (Goose::Ready("pond-0"), Goose::NotReady("pond-0"), Goose::Nobody);
        for (goose, replicas, before, without, status, reason) in [
            (ready, 3, None, 0, "True", "GooseReady"),
            (ready, 3, Some(&down), 99, "True", "GooseReady"),
            // Within one lease.
            (nobody, 3, None, 0, "Unknown", "WaitingForFirstGoose"),
            (nobody, 3, Some(&first), 5, "Unknown", "WaitingForFirstGoose"),
            (nobody, 3, Some(&zero), 5, "Unknown", "WaitingForFirstGoose"),
            (nobody, 3, Some(&up), 5, "True", "GooseReady"),
            (unready, 3, Some(&up), 5, "True", "GooseReady"),
            (nobody, 3, Some(&down), 5, "False", "NoGoose"),
            (unready, 3, Some(&down), 5, "False", "GooseNotReady"),
            // After it.
            (nobody, 3, Some(&up), 7, "False", "NoGoose"),
            (unready, 3, Some(&up), 7, "False", "GooseNotReady"),
            (nobody, 3, Some(&first), 7, "False", "NoGoose"),
            (Goose::NobodyYet(Duration::from_secs(60)), 3, Some(&first), 7, "False", "NoGoose"),
            // Nobody is wanted.
            (nobody, 0, Some(&up), 0, "False", "ScaledToZero"),
            (unready, 0, Some(&up), 0, "True", "GooseReady"),
        ] {
            let s = Duration::from_secs;
            let now = Situation { goose, replicas, before, without: s(without), patience: s(6) };
            let (verdict, look_again) = available(now);
            assert_eq!((&*verdict.status, &*verdict.reason), (status, reason), "{now:?}");
            let may_change =
                without <= 6 && goose != ready && replicas + i32::from(goose == unready) > 0;
            assert_eq!(look_again.is_some(), may_change, "{now:?}");
        }
    }
}
