//! The handle and the machine under it, with clocks that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use k8s_openapi::api::coordination::v1::Lease as Object;
use serde_json::{from_value, json};
use tokio::sync::mpsc;

use crate::clock::Reading;
use crate::driver::elector::Elector;
use crate::driver::event::Event;
use crate::driver::object;
use crate::driver::state::Job;
use crate::member::{Config, Input, Member, Outcome, Role, Write};
use crate::record::{Incarnation, Record};
use crate::timing::Timing;

/// An elector whose clocks stand at as many milliseconds as the counter.
fn elector() -> (Elector, mpsc::UnboundedReceiver<Vec<Job>>, Arc<AtomicU64>) {
    let me = Incarnation::new("pond-0", "p0", "a").unwrap();
    let clock = Arc::new(AtomicU64::new(0));
    let hands = Arc::clone(&clock);
    let read = move || {
        let since_boot = Duration::from_millis(hands.load(Ordering::Relaxed));
        Reading { boottime: since_boot, raw: since_boot, slept: Duration::ZERO, wall: since_boot }
    };
    let config = Config { me, timing: Timing::default(), jitter: 0 };
    let (elector, jobs) = Elector::new(Member::new(config), read);
    (elector, jobs, clock)
}

fn object(version: u64, record: &Record) -> Arc<Object> {
    let annotations =
        json!({"duckduckgoose.dev/lease": "u", "duckduckgoose.dev/record": record.to_text()});
    let metadata =
        json!({"uid": "u", "resourceVersion": version.to_string(), "annotations": annotations});
    Arc::new(from_value(json!({ "metadata": metadata })).unwrap())
}

fn read(elector: &Elector, object: Arc<Object>) {
    elector.tell(Input::Read(object::lease(&object)), Some(object));
}

fn apply(elector: &Elector, write: &Write) {
    let object = object(write.version + 1, &write.record);
    let outcome = Outcome::Applied(object::lease(&object).unwrap());
    let attempt = write.record.attempt;
    elector.tell(Input::Written { attempt, outcome }, Some(object));
}

fn next_write(jobs: &mut mpsc::UnboundedReceiver<Vec<Job>>) -> (Write, Arc<Object>) {
    while let Ok(batch) = jobs.try_recv() {
        for job in batch {
            if let Job::Write(write, base) = job {
                return (write, base);
            }
        }
    }
    panic!("nothing was to be written");
}

/// Read a quarantine at 0 ms, taken when it was waited out, and renewed at once.
fn goose() -> (Elector, mpsc::UnboundedReceiver<Vec<Job>>, Arc<AtomicU64>) {
    let (elector, mut jobs, clock) = elector();
    read(&elector, object(5, &Record::quarantine(0, Duration::from_secs(6))));
    clock.store(7_000, Ordering::Relaxed);
    elector.tell(Input::Tick, None);
    apply(&elector, &next_write(&mut jobs).0);
    apply(&elector, &next_write(&mut jobs).0);
    assert_eq!(elector.role(), Role::Goose { term: 5 });
    (elector, jobs, clock)
}

#[test]
fn the_role_ends_by_the_clock_and_by_nothing_that_has_to_run() {
    let (elector, _jobs, clock) = goose();
    clock.store(7_000 + 5_789, Ordering::Relaxed);
    assert_eq!(elector.role(), Role::Goose { term: 5 });
    clock.store(7_000 + 5_790, Ordering::Relaxed);
    assert_eq!(elector.role(), Role::Duck);
    assert_eq!(elector.view().goose, None);
}

#[test]
fn a_withheld_release_waits_until_its_term_is_permitted() {
    let (elector, mut jobs, _clock) = goose();
    let held = Record { released: false, ..Record::quarantine(5, Duration::from_secs(6)) };
    let released = Record { released: true, ..held.clone() };
    let may_leave = |record| elector.permits(record).now_or_never().is_some();
    assert!(may_leave(&released));

    elector.withhold_releases();
    elector.hand_over();
    assert_eq!(elector.role(), Role::Duck);
    assert_eq!(elector.lease_left(), Duration::from_millis(5_790));
    assert!(next_write(&mut jobs).0.record.released);
    assert!(may_leave(&held) && !may_leave(&released));
    elector.permit_release(4);
    assert!(!may_leave(&released));
    elector.permit_release(5);
    assert!(may_leave(&released));
}

#[test]
fn who_hands_over_is_a_duck_before_the_release_is_sent() {
    let (elector, mut jobs, _clock) = goose();
    elector.hand_over();
    assert_eq!(elector.role(), Role::Duck);
    let (release, base) = next_write(&mut jobs);
    assert!(release.record.released);
    assert_eq!(object::lease(&base).unwrap().version, release.version);
}

#[test]
fn a_late_event_does_not_replace_what_the_answer_to_an_own_write_told() {
    let (elector, mut jobs, clock) = goose();
    let stale = object(5, &Record::quarantine(0, Duration::from_secs(6)));
    elector.tell(Input::Watched(object::lease(&stale).unwrap()), Some(stale));
    clock.store(9_000, Ordering::Relaxed);
    elector.tell(Input::Tick, None);
    let (renewal, base) = next_write(&mut jobs);
    assert_eq!(object::lease(&base).unwrap().version, renewal.version);
}

#[test]
fn who_leads_is_told_once_for_each_change() {
    let (elector, mut jobs, _clock) = elector();
    let mut events = elector.events();
    let other = Incarnation::new("pond-1", "p1", "a").unwrap();
    let held = |attempt| Record {
        holder: Some(other.clone()),
        attempt,
        ..Record::quarantine(3, Duration::from_secs(6))
    };
    read(&elector, object(5, &held(1)));
    read(&elector, object(6, &held(2)));
    let leads = Event::Leads { goose: Some(other.clone()), term: Some(3) };
    assert_eq!(events.try_recv(), Ok(leads));
    assert!(events.try_recv().is_err());
    while jobs.try_recv().is_ok() {}
}

#[test]
fn a_loop_that_stands_still_is_noticed_also_while_the_role_is_right() {
    let (elector, _jobs, clock) = elector();
    assert!(elector.turn() <= Duration::from_secs(5));
    clock.store(19_000, Ordering::Relaxed);
    assert!(elector.is_alive());
    clock.store(21_000, Ordering::Relaxed);
    assert!(!elector.is_alive());
    assert!(!elector.has_read());
}
