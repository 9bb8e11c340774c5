//! Keeps the file true to the election.

use std::sync::Arc;
use std::time::Duration;

use election::clock::Reading;
use election::driver::clocks;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Content, Hold, Writer};
use crate::standing::Answers;

/// Writes the file anew whenever the role changes, and while this pod is the
/// Goose long before its hold ends. Never returns.
pub async fn keep(
    mut writer: Writer,
    standing: Arc<dyn Answers>,
    length: Duration,
    mut changes: watch::Receiver<u64>,
) {
    let (mut written, mut failed) = (None, false);
    loop {
        let length = length.min(standing.longest_hold());
        let content = content(standing.as_ref(), length, written, clocks);
        if written != Some(content) {
            let result = writer.write(&content);
            written = result.is_ok().then_some(content);
            note(result, &mut failed);
        }
        tokio::select! {
            () = sleep(length / HOLDS_OVERLAP) => {}
            Ok(()) = changes.changed() => {}
        }
    }
}

/// What the file is to say. A Goose is one here only with a promise; one that
/// gets no new promise keeps to the last one.
fn content(
    standing: &dyn Answers,
    length: Duration,
    written: Option<Content>,
    clocks: impl Fn() -> Reading,
) -> Content {
    let goose = |standing: &dyn Answers| {
        let answer = standing.answer();
        answer.term.filter(|_| answer.is_goose())
    };
    let Some(term) = goose(standing) else { return Content::Duck };
    // Before the promise: what is counted from here ends earlier than what was promised.
    let before = clocks();
    if standing.promise(length) && goose(standing) == Some(term) {
        return Content::Goose(Hold::from(&before, term, length));
    }
    match written {
        Some(Content::Goose(hold)) if hold.term == term && !hold.left(&before).is_zero() => {
            Content::Goose(hold)
        }
        _ => Content::Duck,
    }
}

/// Once, not at each try.
fn note(result: std::io::Result<()>, failed: &mut bool) {
    match result {
        Ok(()) if *failed => tracing::info!("the role file can be written again"),
        Err(error) if !*failed => tracing::error!(%error, "cannot write the role file"),
        _ => return,
    }
    *failed = !*failed;
}

/// A hold is given anew when a sixth of it has passed, so that a busy machine
/// has half of it in reserve when a reader begins to worry, at the last third.
const HOLDS_OVERLAP: u32 = 6;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::standing::Answer;

    /// Goose of a term or Duck, and generous or not.
    struct Fake {
        term: Mutex<Option<u64>>,
        promises: Mutex<bool>,
    }

    impl Answers for Fake {
        fn answer(&self) -> Answer {
            let term = *self.term.lock().unwrap();
            let role = if term.is_some() { api::names::GOOSE } else { api::names::DUCK };
            Answer { role, term, ..Answer::outside(String::new()) }
        }
        fn promise(&self, _: Duration) -> bool {
            *self.promises.lock().unwrap()
        }
        fn longest_hold(&self) -> Duration {
            LENGTH
        }
        fn hand_over(&self) {}
        fn alive(&self) -> Result<(), String> {
            Ok(())
        }
        fn ready(&self) -> Result<(), String> {
            Ok(())
        }
    }

    const LENGTH: Duration = Duration::from_secs(1);

    fn at(ms: u64) -> impl Fn() -> Reading {
        let clock = Duration::from_millis(ms);
        move || Reading { boottime: clock, raw: clock, slept: Duration::ZERO, wall: clock }
    }

    fn hold(term: u64, from: u64) -> Content {
        Content::Goose(Hold::from(&at(from)(), term, LENGTH))
    }

    #[test]
    fn a_goose_is_one_only_with_a_promise_and_keeps_to_its_last_one() {
        let member = Fake { term: Mutex::new(Some(7)), promises: Mutex::new(false) };
        let content = |written, ms| content(&member, LENGTH, written, at(ms));
        assert_eq!(content(None, 0), Content::Duck);

        *member.promises.lock().unwrap() = true;
        assert_eq!(content(Some(Content::Duck), 100), hold(7, 100));

        *member.promises.lock().unwrap() = false;
        assert_eq!(content(Some(hold(7, 100)), 600), hold(7, 100));
        assert_eq!(content(Some(hold(7, 100)), 1_100), Content::Duck);
        assert_eq!(content(Some(hold(6, 100)), 600), Content::Duck);

        *member.term.lock().unwrap() = None;
        assert_eq!(content(Some(hold(7, 100)), 600), Content::Duck);
    }
}
