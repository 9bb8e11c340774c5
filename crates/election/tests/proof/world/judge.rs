//! The properties that no run may violate. A violation ends the run with the
//! log that led to it.

use std::time::Duration;

use duckduckgoose_election::member::Role;
use duckduckgoose_election::record::{Incarnation, Record};

use crate::world::node::Node;

/// What was seen so far that later moments are judged by.
#[derive(Default)]
pub struct Judge {
    greatest_term: u64,
    promises: Vec<Promise>,
}

/// A hold that was granted, and until when its asker may count on it.
struct Promise {
    giver: Incarnation,
    until: Duration,
}

impl Judge {
    /// Rule 11: the asker counts on a clock that may be slewed by 10 % and
    /// drift by ρ.
    pub fn note_promise(&mut self, time: Duration, giver: Incarnation, hold: Duration) {
        self.promises.push(Promise { giver, until: time + hold * 111 / 100 });
    }

    /// Rule 7: terms only rise, and no two incarnations hold the same one.
    /// Rule 8: who releases is a Duck before the release is written.
    pub fn note_written(
        &mut self,
        time: Duration,
        record: &Record,
        writer: Option<&Node>,
        log: &[String],
    ) {
        if record.term < self.greatest_term {
            let (term, greatest) = (record.term, self.greatest_term);
            fail(time, &format!("term {term} was written after {greatest}"), log);
        }
        self.greatest_term = record.term;
        let goose = writer.is_some_and(|node| node.role(time) != Role::Duck);
        if record.released && goose {
            fail(time, "a release was written by a Goose", log);
        }
    }

    /// Never two Geese, and no Goose while another one's promise holds.
    pub fn judge<'a>(
        &mut self,
        time: Duration,
        nodes: impl Iterator<Item = &'a Node>,
        log: &[String],
    ) {
        let geese: Vec<&Incarnation> = nodes
            .filter(|node| matches!(node.role(time), Role::Goose { .. }))
            .map(|node| node.member.me())
            .collect();
        if geese.len() > 1 {
            fail(time, &format!("two Geese: {} and {}", geese[0], geese[1]), log);
        }
        self.promises.retain(|promise| promise.until > time);
        for promise in &self.promises {
            if geese.iter().any(|goose| **goose != promise.giver) {
                let (goose, giver) = (geese[0], &promise.giver);
                fail(time, &format!("{goose} is Goose while {giver}'s promise holds"), log);
            }
        }
    }
}

fn fail(time: Duration, what: &str, log: &[String]) -> ! {
    let recent = log.len().saturating_sub(60);
    panic!("{what}, at {time:?}, after:\n{}", log[recent..].join("\n"));
}
