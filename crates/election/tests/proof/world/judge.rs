//! The properties that no run may violate. A violation ends the run with the
//! log that led to it.
//!
//! Whether there were two Geese is judged by what members answer, as it is on a
//! real cluster: by the crate `history`.

use std::time::Duration;

use duckduckgoose_election::member::Role;
use duckduckgoose_election::record::{Incarnation, Record};
use history::{Answer, History, Said};

use crate::world::node::Node;

/// What was seen so far that later moments are judged by.
#[derive(Default)]
pub struct Judge {
    greatest_term: u64,
    promises: Vec<Promise>,
    answers: history::Judge,
    /// Of answers that repeat each other, the first and the last.
    pub history: History,
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

    /// Asks every member at this instant. Never two Geese, no term that goes
    /// back, and no Goose while another one's promise holds.
    pub fn judge<'a>(
        &mut self,
        time: Duration,
        nodes: impl Iterator<Item = &'a mut Node>,
        log: &[String],
    ) {
        self.promises.retain(|promise| promise.until > time);
        for node in nodes {
            let said = match node.role(time) {
                Role::Goose { term } => Said::Goose { term },
                // Of Ducks, only those are of interest that were none before.
                Role::Duck if !node.has_led => continue,
                Role::Duck => Said::Duck,
            };
            node.has_led = said != Said::Duck;
            self.hear(node, said, time, log);
            let me = node.member.me();
            let broken = self.promises.iter().find(|promise| promise.giver != *me);
            if let Some(Promise { giver, .. }) = broken.filter(|_| node.has_led) {
                fail(time, &format!("{me} is Goose while {giver}'s promise holds"), log);
            }
        }
    }

    fn hear(&mut self, node: &Node, said: Said, time: Duration, log: &[String]) {
        let (member, pod) = (node.answers_as.clone(), node.answers_as.clone());
        let answer = Answer { member, pod, said, asked: time, answered: time };
        if let Some(proof) = self.answers.hear(&answer).first() {
            fail(time, &proof.to_string(), log);
        }
        let told = &mut self.history.answers;
        let same = |earlier: &Answer| (&earlier.member, earlier.said) == (&answer.member, said);
        if told.len() >= 2 && told[told.len() - 2..].iter().all(same) {
            told.pop();
        }
        told.push(answer);
    }
}

fn fail(time: Duration, what: &str, log: &[String]) -> ! {
    let recent = log.len().saturating_sub(60);
    panic!("{what}, at {time:?}, after:\n{}", log[recent..].join("\n"));
}
