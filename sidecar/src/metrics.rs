//! What is counted, for Prometheus.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use election::driver::{Event, WriteFailure};
use election::member::{Cause, Role};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::standing::Answer;

/// All metrics of this process.
pub struct Metrics {
    registry: Registry,
    transitions: Family<Transition, Counter>,
    renewals: Histogram,
    failures: Family<Failure, Counter>,
    last_renewal: Mutex<Option<Instant>>,
    moment: Moment,
}

/// What is worked out when it is asked for.
#[derive(Default)]
struct Moment {
    is_goose: Gauge,
    goose_known: Gauge,
    term: Gauge,
    obstacle: Family<Obstacle, Gauge>,
    since_seen: Optional,
    since_renewal: Optional,
    stream_clients: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Transition {
    to: Word,
    reason: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    cause: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Obstacle {
    reason: Word,
}

/// Seconds that are told once they are known.
type Optional = Family<[(Word, Word); 0], Gauge<f64, AtomicU64>>;

/// A label's value; all that there can be are written in this file or in `standing`.
type Word = &'static str;

impl Metrics {
    /// Nothing yet, for a member of this cluster.
    pub fn new(cluster: &str) -> Metrics {
        let labels = [("cluster".into(), cluster.to_owned().into())];
        let mut registry = Registry::with_prefix_and_labels("duckgoose", labels.into_iter());
        let transitions = Family::default();
        registry.register(
            "transitions",
            "Changes of this pod's role, by the role that it got and the reason",
            transitions.clone(),
        );
        let renewals = Histogram::new(SECONDS);
        registry.register(
            "renewal_duration_seconds",
            "From when a write of the Lease left until it was known to be applied",
            renewals.clone(),
        );
        let failures = Family::default();
        registry.register(
            "renewals_failed",
            "Writes of the Lease that are not known to be applied, by cause",
            failures.clone(),
        );
        let moment = Moment::default();
        moment.register(&mut registry);
        let last_renewal = Mutex::new(None);
        Metrics { registry, transitions, renewals, failures, last_renewal, moment }
    }

    /// Counts what happens to the member, until the election ends.
    pub async fn follow(self: Arc<Self>, mut events: Receiver<Event>) {
        loop {
            match events.recv().await {
                Ok(event) => self.count(event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Counts one event.
    pub fn count(&self, event: Event) {
        match event {
            Event::Became(role, cause) => {
                let to = if role == Role::Duck { "duck" } else { "goose" };
                let transition = Transition { to, reason: in_one_word(cause) };
                self.transitions.get_or_create(&transition).inc();
            }
            Event::Written(took) => {
                self.renewals.observe(took.as_secs_f64());
                let mut last = self.last_renewal.lock().unwrap_or_else(PoisonError::into_inner);
                *last = Instant::now().checked_sub(took);
            }
            Event::WriteFailed(failure) => {
                self.failures.get_or_create(&Failure { cause: kind(failure) }).inc();
            }
            Event::Leads { .. } | Event::Trouble(_) | Event::Mended => {}
        }
    }

    /// All of it as text, at the moment of this answer.
    pub fn text(&self, now: &Answer, stream_clients: usize) -> String {
        let renewed = *self.last_renewal.lock().unwrap_or_else(PoisonError::into_inner);
        let since_renewal = renewed.map(|at| at.elapsed().as_secs_f64());
        self.moment.set(now, since_renewal, stream_clients);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes all that is written to it");
        text
    }
}

impl Moment {
    fn register(&self, registry: &mut Registry) {
        registry.register("is_goose", "1 while this pod is the Goose", self.is_goose.clone());
        registry.register(
            "goose_known",
            "1 while this pod knows of a Goose, itself or another",
            self.goose_known.clone(),
        );
        registry.register("term", "The newest term that is known", self.term.clone());
        registry.register(
            "obstacle",
            "1 for the reason why there is no Goose, or why this pod is not what one would expect",
            self.obstacle.clone(),
        );
        registry.register(
            "lease_seen_age_seconds",
            "Since when nothing was heard of the Lease; absent until something was",
            self.since_seen.clone(),
        );
        registry.register(
            "last_renewal_age_seconds",
            "Since when the last write of the Lease left that was applied; absent before the first",
            self.since_renewal.clone(),
        );
        registry.register(
            "stream_clients",
            "Clients that are connected to /role/stream",
            self.stream_clients.clone(),
        );
    }

    fn set(&self, now: &Answer, since_renewal: Option<f64>, stream_clients: usize) {
        self.is_goose.set(now.is_goose().into());
        self.goose_known.set(now.goose.is_some().into());
        self.term.set(now.term.unwrap_or(0) as i64);
        self.obstacle.clear();
        if let Some(reason) = now.obstacle {
            self.obstacle.get_or_create(&Obstacle { reason }).set(1);
        }
        if let Some(ms) = now.seen_ms_ago {
            self.since_seen.get_or_create(&[]).set(ms as f64 / 1000.0);
        }
        if let Some(seconds) = since_renewal {
            self.since_renewal.get_or_create(&[]).set(seconds);
        }
        self.stream_clients.set(stream_clients as i64);
    }
}

fn in_one_word(cause: Cause) -> Word {
    match cause {
        Cause::TookFree => "took_free",
        Cause::TookOver => "took_over",
        Cause::TookOwn => "took_own",
        Cause::AppliedLate => "applied_late",
        Cause::Deadline => "deadline",
        Cause::ClockSuspected => "clock_suspected",
        Cause::Superseded => "superseded",
        Cause::HandOverOrdered => "hand_over_ordered",
        Cause::HandOverAsked => "hand_over_asked",
        Cause::Fenced => "fenced",
        Cause::ShutDown => "shut_down",
    }
}

fn kind(failure: WriteFailure) -> Word {
    match failure {
        WriteFailure::Conflict => "conflict",
        WriteFailure::TimedOut => "timed_out",
        WriteFailure::Denied => "denied",
        WriteFailure::Broken => "broken",
    }
}

/// Around the 4 ms of an API server in good health, up to the time-out of an
/// attempt with the longest lease.
const SECONDS: [f64; 10] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 4.0, 15.0];

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_happened_is_counted_and_what_is_so_is_told() {
        let metrics = Metrics::new("pond");
        metrics.count(Event::Became(Role::Goose { term: 7 }, Cause::TookOver));
        metrics.count(Event::Became(Role::Duck, Cause::Deadline));
        metrics.count(Event::Written(Duration::from_millis(4)));
        for _ in 0..2 {
            metrics.count(Event::WriteFailed(WriteFailure::TimedOut));
        }
        let mut now = Answer::outside("quarantined".to_owned());
        now.obstacle = Some("quarantined");
        now.term = Some(7);
        let text = metrics.text(&now, 3);
        for line in [
            "duckgoose_is_goose{cluster=\"pond\"} 0",
            "duckgoose_term{cluster=\"pond\"} 7",
            "duckgoose_transitions_total{cluster=\"pond\",to=\"goose\",reason=\"took_over\"} 1",
            "duckgoose_transitions_total{cluster=\"pond\",to=\"duck\",reason=\"deadline\"} 1",
            "duckgoose_renewals_failed_total{cluster=\"pond\",cause=\"timed_out\"} 2",
            "duckgoose_renewal_duration_seconds_bucket{cluster=\"pond\",le=\"0.005\"} 1",
            "duckgoose_obstacle{cluster=\"pond\",reason=\"quarantined\"} 1",
            "duckgoose_stream_clients{cluster=\"pond\"} 3",
        ] {
            assert!(text.contains(line), "wanted {line} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        assert!(!text.contains("lease_seen_age_seconds{"), "{text}");

        now.obstacle = None;
        assert!(!metrics.text(&now, 0).contains("quarantined"));
    }
}
