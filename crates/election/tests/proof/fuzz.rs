//! Any input in any order: a member never panics, and what must always hold
//! for one member alone holds.
//!
//! A driver never gives some of these: foreign answers, versions that go back,
//! records that nobody wrote. `PROPTEST_CASES=<n>` says how many sequences are
//! tried.

use std::time::Duration;

use duckduckgoose_election::clock::Reading;
use duckduckgoose_election::lease::{HandOverOrder, Lease, Orders};
use duckduckgoose_election::member::{Config, Input, Member, Outcome, Output, Role, Write};
use duckduckgoose_election::record::{Incarnation, Record, Unreadable};
use duckduckgoose_election::timing::{Timing, allowance};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_input_in_any_order_keeps_the_invariants(steps in prop::collection::vec(step(), 1..80)) {
        let mut clocks = Clocks::default();
        let mut member = Member::new(Config { me: me(), timing: Timing::default(), jitter: 500 });
        let mut writes: Vec<(Write, Reading)> = Vec::new();
        for Step { passes, what } in steps {
            let now = clocks.after(passes);
            let before = member.role_at(&now);
            let (input, is_evidence) = match what {
                What::Given(input) => {
                    let evidence = matches!(*input, Input::Read(_) | Input::Watched(_));
                    (*input, evidence)
                }
                // The answer to one of its own writes, as the server would give it.
                What::Applied(which) if !writes.is_empty() => {
                    let (write, _) = &writes[which % writes.len()];
                    (applied(write), true)
                }
                What::Applied(_) => (Input::Tick, false),
                What::Promise(hold) => {
                    let granted = member.promise(&now, hold);
                    prop_assert!(!granted || before != Role::Duck, "a Duck promised");
                    (Input::Tick, false)
                }
            };
            let asked_to_stop = matches!(input, Input::HandOver | Input::ShutDown);
            let outputs = member.handle(now, input);
            let after = member.role_at(&now);
            // Rule 1: only evidence of an own write makes a Goose.
            if before == Role::Duck {
                prop_assert!(after == Role::Duck || is_evidence, "a Goose out of nothing");
            }
            // Rule 8: asked to stop, it is a Duck at once.
            prop_assert!(!asked_to_stop || after == Role::Duck, "asked to stop, and still Goose");
            // Rules 1 and 9: for no longer than the longest write of its term
            // allows, on either clock.
            if let Role::Goose { term } = after {
                let covered = writes.iter().any(|(write, sent)| {
                    let until = sent.after(allowance(write.record.duration));
                    write.record.term == term && !until.reached_on_either(&now)
                });
                prop_assert!(covered, "Goose in {term} without a write that allows it");
            }
            for output in outputs {
                let Output::Write(write) = output else { continue };
                // Rule 5: each carries what it replaces; attempts only grow.
                prop_assert!(write.version > 0);
                let greatest = writes.iter().map(|(write, _)| write.record.attempt).max();
                prop_assert!(greatest.is_none_or(|greatest| greatest < write.record.attempt));
                // Rule 7: a taking has the version that it takes for its term.
                let renews = writes.iter().any(|(other, _)| other.record.term == write.record.term);
                let takes = write.record.term == write.version;
                prop_assert!(write.record.released || renews || takes);
                // Rule 8: who releases is a Duck.
                prop_assert!(!write.record.released || member.role_at(&now) == Role::Duck);
                writes.push((write, now));
            }
            // The answer to "when next?" is always one.
            member.wake(&now);
            member.view(&now);
        }
    }

    #[test]
    fn any_text_is_a_record_or_an_error(text in ".{0,200}") {
        if let Ok(record) = Record::parse(Some(&text)) {
            prop_assert_eq!(record.to_text(), text);
        }
    }
}

/// One input, and how long after the one before.
#[derive(Clone, Debug)]
struct Step {
    passes: Passes,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Given(Box<Input>),
    Applied(usize),
    Promise(Duration),
}

/// Milliseconds on each clock, each for itself.
#[derive(Clone, Copy, Debug)]
struct Passes {
    boottime: u64,
    raw: u64,
    wall: u64,
}

struct Clocks(Reading);

impl Default for Clocks {
    fn default() -> Clocks {
        let start = Duration::from_secs(1_000);
        Clocks(Reading { boottime: start, raw: start, slept: Duration::ZERO, wall: start })
    }
}

impl Clocks {
    fn after(&mut self, passes: Passes) -> Reading {
        self.0.boottime += millis(passes.boottime);
        self.0.raw += millis(passes.raw);
        self.0.wall += millis(passes.wall);
        self.0
    }
}

fn step() -> impl Strategy<Value = Step> {
    let together = (0..3_000_u64).prop_map(|ms| Passes { boottime: ms, raw: ms, wall: ms });
    let apart = (0..3_000_u64, 0..3_000_u64, 0..9_000_u64)
        .prop_map(|(boottime, raw, wall)| Passes { boottime, raw, wall });
    let passes = prop_oneof![4 => together, 1 => apart];
    let what = prop_oneof![
        4 => (0..8_usize).prop_map(What::Applied),
        1 => (1..4_000_u64).prop_map(|hold| What::Promise(millis(hold))),
        8 => input().prop_map(|input| What::Given(Box::new(input))),
    ];
    (passes, what).prop_map(|(passes, what)| Step { passes, what })
}

fn input() -> impl Strategy<Value = Input> {
    let unknown = (0..20_000_u64).prop_map(|wait| Outcome::Unknown { retry_after: millis(wait) });
    let outcome = prop_oneof![lease().prop_map(Outcome::Applied), Just(Outcome::Refused), unknown];
    prop_oneof![
        1 => prop::option::weighted(0.9, lease()).prop_map(Input::Read),
        6 => lease().prop_map(Input::Watched),
        1 => Just(Input::Deleted),
        2 => (0..12_u64, outcome)
            .prop_map(|(attempt, outcome)| Input::Written { attempt, outcome }),
        6 => Just(Input::Tick),
        1 => Just(Input::HandOver),
    ]
}

fn lease() -> impl Strategy<Value = Lease> {
    let object = (0..3_u8, 1..40_u64, prop::bool::weighted(0.8));
    (object, record(), orders()).prop_map(|((uid, version, stamped), record, orders)| Lease {
        uid: uid.to_string(),
        version,
        stamped,
        record,
        orders,
    })
}

fn record() -> impl Strategy<Value = Result<Record, Unreadable>> {
    let holder = prop::option::of(prop_oneof![Just(me()), Just(other())]);
    let numbers = (1..40_u64, 0..12_u64, 0..90_000_u64, 0..5_000_u64);
    let good = (holder, numbers, any::<bool>()).prop_map(
        |(holder, (term, attempt, duration, hold), released)| Record {
            released: released && holder.is_none(),
            holder,
            term,
            attempt,
            duration: millis(duration),
            hold: millis(hold),
        },
    );
    prop_oneof![
        8 => good.prop_map(Ok),
        1 => Just(Err(Unreadable::Missing)),
        1 => Just(Err(Unreadable::Format(2))),
    ]
}

fn orders() -> impl Strategy<Value = Orders> {
    let uid = || prop_oneof![Just("u0".to_owned()), Just("u1".to_owned())];
    let timing =
        (2_000..10_000_u64).prop_map(|lease| Timing::new(millis(lease), millis(lease / 3)).ok());
    let handover = prop::option::weighted(0.2, (uid(), 1..40_u64));
    let rare = || prop::bool::weighted(0.05);
    (timing, prop::collection::vec(uid(), 0..2), rare(), rare(), handover).prop_map(
        |(timing, successors, paused, fenced, handover)| Orders {
            timing,
            successors,
            paused,
            fenced: if fenced { vec!["u0".to_owned()] } else { Vec::new() },
            handover: handover.map(|(to, term)| HandOverOrder { to, term }),
        },
    )
}

fn applied(write: &Write) -> Input {
    let outcome = Outcome::Applied(Lease {
        uid: write.uid.clone(),
        version: write.version + 1,
        stamped: true,
        record: Ok(write.record.clone()),
        orders: Orders::default(),
    });
    Input::Written { attempt: write.record.attempt, outcome }
}

fn me() -> Incarnation {
    Incarnation::new("pond-0", "u0", "a").expect("plain parts")
}

fn other() -> Incarnation {
    Incarnation::new("pond-1", "u1", "b").expect("plain parts")
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}
