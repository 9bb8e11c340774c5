//! The record: the whole truth of the election, in one annotation of the Lease.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The format that this version writes, and the only one that it reads.
pub const FORMAT: u32 = 1;

/// One run of a member's process: `<pod>_<pod uid>_<nonce>`.
///
/// Two runs in one pod are two incarnations: a process that starts again knows
/// nothing of what its predecessor promised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation {
    text: Arc<str>,
}

/// Why a text is not an [`Incarnation`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "wanted <pod>_<pod uid>_<nonce>, each of letters, digits, '-' and '.', found {0:?}: \
     a member is told its pod and uid by the operator, in its environment"
)]
pub struct NotAnIncarnation(String);

/// What the annotation says. See the table of the record in `docs/safety.md`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Who leads; `None` when released or quarantined.
    pub holder: Option<Incarnation>,
    /// The fencing token: the resourceVersion of the record that was taken
    /// (rule 7).
    pub term: u64,
    /// Grows by at least one with every write of the incarnation, so that what is seen tells which write
    /// was applied (rule 1), and that the holder lived (rule 4).
    pub attempt: u64,
    /// How long a Duck waits on this record (rule 4); whole milliseconds in the text.
    pub duration: Duration,
    /// The longest promise that the holder gives (rule 11); whole milliseconds in the text.
    pub hold: Duration,
    /// The term ended: said by the holder (rule 8), or by the operator on a
    /// confirmed death (rule 10).
    pub released: bool,
}

/// Why a text is not a record that this version understands.
///
/// Neither is ever taken: who cannot read a record does not know who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unreadable {
    /// There is no record at all.
    #[error("the Lease has no record")]
    Missing,
    /// It is of a format that another version writes.
    #[error("wanted a record of format {FORMAT}, found format {0}: upgrade this member")]
    Format(u32),
    /// Somebody wrote something else there.
    #[error("wanted a record as this project writes it, found {0:?}: the operator will replace it")]
    Garbage(String),
}

impl Incarnation {
    /// The incarnation `nonce` of the pod with this name and uid.
    ///
    /// # Errors
    /// When a part is empty or has other than letters, digits, '-' and '.'.
    pub fn new(pod: &str, pod_uid: &str, nonce: &str) -> Result<Incarnation, NotAnIncarnation> {
        Incarnation::parse(&format!("{pod}_{pod_uid}_{nonce}"))
    }

    /// Reads what [`Incarnation::fmt`](fmt::Display) wrote.
    ///
    /// # Errors
    /// As for [`Incarnation::new`].
    pub fn parse(text: &str) -> Result<Incarnation, NotAnIncarnation> {
        let plain =
            |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        let parts: Vec<&str> = text.split('_').collect();
        if parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && plain(part)) {
            Ok(Incarnation { text: text.into() })
        } else {
            Err(NotAnIncarnation(text.to_owned()))
        }
    }

    /// Name of the pod that it runs in.
    pub fn pod(&self) -> &str {
        self.part(0)
    }

    /// `metadata.uid` of the pod that it runs in.
    pub fn pod_uid(&self) -> &str {
        self.part(1)
    }

    fn part(&self, index: usize) -> &str {
        self.text.split('_').nth(index).unwrap_or_default()
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Record {
    /// A record that nobody holds and that must be waited out like a held one
    /// (rule 6). Keeps the term that it replaces, so that people see it.
    pub fn quarantine(term: u64, duration: Duration) -> Record {
        Record { holder: None, term, attempt: 0, duration, hold: Duration::ZERO, released: false }
    }

    /// Nobody holds it, and nobody said that it is free.
    pub fn is_quarantine(&self) -> bool {
        self.holder.is_none() && !self.released
    }

    /// The canonical text: fixed key order, no white space, no escapes.
    pub fn to_text(&self) -> String {
        let wire = Wire {
            format: FORMAT,
            holder: self.holder.as_ref().map(|holder| holder.to_string()),
            term: self.term,
            attempt: self.attempt,
            duration: as_millis(self.duration),
            hold: as_millis(self.hold),
            released: self.released,
        };
        serde_json::to_string(&wire).expect("a struct of numbers and plain text is always JSON")
    }

    /// Reads the canonical text, and nothing but it: admission policies read
    /// the record with one regular expression, so all must agree on its bytes.
    ///
    /// # Errors
    /// When it is missing, of another format, or not canonical.
    pub fn parse(text: Option<&str>) -> Result<Record, Unreadable> {
        let text = text.ok_or(Unreadable::Missing)?;
        let garbage = || Unreadable::Garbage(text.chars().take(200).collect());
        let AnyFormat { format } = serde_json::from_str(text).map_err(|_| garbage())?;
        if format != FORMAT {
            return Err(Unreadable::Format(format));
        }
        let wire: Wire = serde_json::from_str(text).map_err(|_| garbage())?;
        let holder = match &wire.holder {
            Some(holder) => Some(Incarnation::parse(holder).map_err(|_| garbage())?),
            None => None,
        };
        let record = Record {
            holder,
            term: wire.term,
            attempt: wire.attempt,
            duration: Duration::from_millis(wire.duration),
            hold: Duration::from_millis(wire.hold),
            released: wire.released,
        };
        let held_and_released = record.holder.is_some() && record.released;
        if held_and_released || record.to_text() != text { Err(garbage()) } else { Ok(record) }
    }
}

#[cfg(feature = "mutations")]
impl crate::canonical::Canonical for Record {
    fn canonical(&mut self, renaming: &mut dyn crate::canonical::Renaming) {
        renaming.version(&mut self.term);
        renaming.attempt(self.holder.as_ref(), &mut self.attempt);
    }
}

/// The bytes of the annotation, in this order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    term: u64,
    attempt: u64,
    duration: u64,
    hold: u64,
    released: bool,
}

/// What every format, also a later one, begins with.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

fn as_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Record {
        Record {
            holder: Some(Incarnation::new("pond-0", "5ff5", "a1").unwrap()),
            term: 812,
            attempt: 3,
            duration: Duration::from_secs(6),
            hold: Duration::ZERO,
            released: false,
        }
    }

    #[test]
    fn the_text_is_canonical_and_reads_back() {
        let text = held().to_text();
        assert_eq!(
            text,
            r#"{"format":1,"holder":"pond-0_5ff5_a1","term":812,"attempt":3,"duration":6000,"hold":0,"released":false}"#
        );
        assert_eq!(Record::parse(Some(&text)), Ok(held()));
        let quarantine = Record::quarantine(812, Duration::from_secs(60));
        assert_eq!(Record::parse(Some(&quarantine.to_text())), Ok(quarantine));
    }

    #[test]
    fn anything_but_the_canonical_text_is_unreadable() {
        let text = held().to_text();
        let spaced = text.replace(',', ", ");
        let both = text.replace("\"released\":false", "\"released\":true");
        let extra = text.replace("}", ",\"more\":1}");
        for garbage in ["", "{}", "nonsense", &spaced, &both, &extra] {
            let read = Record::parse(Some(garbage));
            assert!(matches!(read, Err(Unreadable::Garbage(_))), "{garbage} gave {read:?}");
        }
        assert_eq!(Record::parse(None), Err(Unreadable::Missing));
    }

    #[test]
    fn the_next_format_is_told_from_garbage() {
        let next = r#"{"format":2,"leader":"somebody"}"#;
        assert_eq!(Record::parse(Some(next)), Err(Unreadable::Format(2)));
    }

    #[test]
    fn an_incarnation_has_three_plain_parts() {
        let me = Incarnation::parse("pond-0_5ff5_a1").unwrap();
        assert_eq!((me.pod(), me.pod_uid()), ("pond-0", "5ff5"));
        for bad in ["pond-0", "a_b", "a__c", "a_b_c_d", "a_b_c\"", "a b_c_d"] {
            assert!(Incarnation::parse(bad).is_err(), "{bad}");
        }
    }
}
