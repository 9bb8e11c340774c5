//! The API server restarts, is overloaded, forgets, fails, hangs, falls silent.

use std::time::Duration;

use duckduckgoose_election::member::Role;
use tokio::time::sleep;

use crate::pond::{Pond, Reign, until};
use crate::server::Fate;

#[tokio::test]
async fn a_goose_lives_through_a_restart_of_the_server() {
    let mut pond = Pond::new();
    let goose = pond.goose().await;
    let reign = Reign::of(&goose);
    pond.server.stop();
    // A renewal is due after 2 s, and fails; the deadline is after 5.8 s.
    sleep(Duration::from_secs(3)).await;
    assert!(goose.trouble().is_some(), "nothing is wrong while there is no server");
    pond.server.start_again(&pond.identity);
    pond.renewed_again().await;
    until("it watches again", || goose.trouble().is_none()).await;
    reign.was_never_lost();
}

#[tokio::test]
async fn an_overloaded_server_is_left_alone_for_as_long_as_it_asks() {
    let pond = Pond::new();
    let goose = pond.goose().await;
    let reign = Reign::of(&goose);
    pond.server.content().writes.extend([Fate::Refused(429, Some(1)), Fate::Refused(429, Some(1))]);
    pond.renewed_again().await;
    let writes = pond.server.content().seen.writes.clone();
    let [.., first, second, third] = writes[..] else { panic!("wanted three writes") };
    for pause in [second - first, third - second] {
        assert!(pause >= Duration::from_secs(1), "asked to wait for 1 s, waited for {pause:?}");
    }
    reign.was_never_lost();
}

#[tokio::test]
async fn a_duck_leaves_an_overloaded_server_alone_for_longer() {
    let pond = Pond::new();
    let duck = pond.duck().await;
    pond.server.content().writes.push_back(Fate::Refused(429, Some(3)));
    pond.release();
    until("it leads", || duck.role() != Role::Duck).await;
    let writes = pond.server.content().seen.writes.clone();
    let pause = writes[1] - writes[0];
    assert!(pause >= Duration::from_secs(3), "asked to wait for 3 s, waited for {pause:?}");
}

#[tokio::test]
async fn an_overloaded_server_does_not_make_a_goose_miss_its_deadline() {
    let pond = Pond::new();
    let goose = pond.goose().await;
    let reign = Reign::of(&goose);
    pond.server.content().writes.push_back(Fate::Refused(429, Some(30)));
    pond.renewed_again().await;
    reign.was_never_lost();
}

#[tokio::test]
async fn a_version_that_is_gone_is_read_afresh() {
    let pond = Pond::new();
    let goose = pond.goose().await;
    let reign = Reign::of(&goose);
    let reads = pond.server.content().seen.reads.len();
    pond.server.content().gone = true;
    pond.server.wake_watches();
    until("it reads again", || pond.server.content().seen.reads.len() > reads).await;
    pond.renewed_again().await;
    reign.was_never_lost();
}

#[tokio::test]
async fn a_server_that_fails_is_asked_again() {
    let pond = Pond::new();
    let goose = pond.goose().await;
    let reign = Reign::of(&goose);
    let failures = [500, 503, 504].map(|code| Fate::Refused(code, None));
    pond.server.content().writes.extend(failures);
    pond.renewed_again().await;
    reign.was_never_lost();
}

#[tokio::test]
async fn a_connection_that_hangs_costs_one_attempt() {
    let pond = Pond::new();
    let goose = pond.goose().await;
    let reign = Reign::of(&goose);
    pond.server.content().writes.push_back(Fate::Unanswered);
    pond.renewed_again().await;
    reign.was_never_lost();
}

#[tokio::test]
async fn a_renewal_whose_answer_is_lost_is_credited_by_the_watch() {
    let pond = Pond::new();
    let goose = pond.goose().await;
    let reign = Reign::of(&goose);
    let lost = [(); 4].map(|()| Fate::AppliedUnanswered);
    pond.server.content().writes.extend(lost);
    // Each takes 2 s: without the watch it would be over before the last.
    until("none of the next is lost", || pond.server.content().writes.is_empty()).await;
    pond.renewed_again().await;
    reign.was_never_lost();
}

#[tokio::test]
async fn silence_is_noticed_by_a_timer() {
    let pond = Pond::new();
    let duck = pond.duck().await;
    let reads = pond.server.content().seen.reads.len();
    pond.server.content().mute = true;
    until("it reads again", || pond.server.content().seen.reads.len() > reads).await;
    assert_eq!(duck.role(), Role::Duck);
}

#[tokio::test]
async fn a_server_that_comes_later_is_found() {
    let mut pond = Pond::new();
    pond.server.stop();
    let member = pond.join();
    until("it says what is wrong", || member.trouble().is_some()).await;
    assert!(!member.has_read());
    pond.server.start_again(&pond.identity);
    until("it reads", || member.has_read()).await;
}

#[tokio::test]
async fn who_ends_releases_before_it_is_gone() {
    let pond = Pond::new();
    let goose = pond.goose().await;
    assert!(goose.shut_down(Duration::from_secs(30)).await, "it had something left to say");
    assert!(pond.record().released);
    assert_eq!(goose.role(), Role::Duck);
}
