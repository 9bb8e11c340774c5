//! The Lease as the election sees it, and the annotations it is made of.
//!
//! These names are the election's wire format: who depends on this crate alone
//! must write the same ones.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::record::{Record, Unreadable};
use crate::timing::Timing;

/// Annotation of the Lease: the [`Record`]. Written by the holder; by the
/// operator only to quarantine or to release on a confirmed death.
pub const RECORD: &str = "duckduckgoose.dev/record";

/// Annotation of the Lease: the stamp, this very object's `metadata.uid`. What
/// was restored or copied bears another one (rule 6).
pub const STAMP: &str = "duckduckgoose.dev/lease";

/// The lease duration of this object, in milliseconds (`6000`): written with
/// the stamp, and never changed after (rule 9).
pub const DURATION: &str = "duckduckgoose.dev/duration";

/// The time between two renewals, in milliseconds (`2000`), as [`DURATION`].
pub const RENEWAL: &str = "duckduckgoose.dev/renewal";

/// Order: the uids of the pods that are next in line, first one first,
/// separated by commas.
pub const SUCCESSORS: &str = "duckduckgoose.dev/successors";

/// Order: `true` when nobody is to take over.
pub const PAUSED: &str = "duckduckgoose.dev/paused";

/// Order: the uids of the pods that are to stay Ducks, separated by commas.
pub const FENCED: &str = "duckduckgoose.dev/fenced";

/// Order: `<pod uid>/<term>`: the Goose of that term is to hand over to that pod.
pub const HANDOVER: &str = "duckduckgoose.dev/handover";

/// `<term>/<words>`: why the holder of that term is too ill to lead, in its own
/// words. Written along with the record; no rule reads it.
pub const ILLNESS: &str = "duckduckgoose.dev/illness";

/// A version of the Lease, comparable as an integer by Kubernetes' promise
/// since 1.35 (KEP-5504), and in fact before. Only grows, also over deletions.
pub type Version = u64;

/// One version of the Lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub version: Version,
    /// Whether it bears its own uid as stamp.
    pub stamped: bool,
    /// The record, or why there is none to go by.
    pub record: Result<Record, Unreadable>,
    /// What the operator wants. Only those of a stamped object are obeyed (rule 6).
    pub orders: Orders,
}

/// What the operator wants of the members. Binds a member from when it sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Orders {
    /// The lease and its renewal, which belong to the object (rule 9); `None`
    /// where it says nothing that can be followed.
    pub timing: Option<Timing>,
    /// Uids of the pods that are next in line, first one first.
    pub successors: Vec<String>,
    /// Nobody takes over.
    pub paused: bool,
    /// Uids of the pods that stay Ducks.
    pub fenced: Vec<String>,
    /// A hand-over that is wanted.
    pub handover: Option<HandOverOrder>,
}

/// The Goose of `term` is to give its role up, to the pod `to` if it can.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HandOverOrder {
    /// Uid of the pod that is to be Goose next.
    pub to: String,
    /// The term that is to end: an order outlives it without harm.
    pub term: u64,
}

impl Lease {
    /// Reads one version of the Lease from its metadata. Never fails: what cannot be read is told in
    /// [`record`](Lease::record), or is no order.
    pub fn from_metadata(
        uid: &str,
        version: Version,
        annotations: &BTreeMap<String, String>,
    ) -> Lease {
        Lease {
            uid: uid.to_owned(),
            version,
            stamped: annotations.get(STAMP).is_some_and(|stamp| stamp == uid),
            record: Record::parse(annotations.get(RECORD).map(String::as_str)),
            orders: Orders::from_annotations(annotations),
        }
    }
}

#[cfg(feature = "mutations")]
impl crate::canonical::Canonical for Lease {
    fn canonical(&mut self, renaming: &mut dyn crate::canonical::Renaming) {
        renaming.version(&mut self.version);
        if let Ok(record) = &mut self.record {
            record.canonical(renaming);
        }
        if let Some(order) = &mut self.orders.handover {
            renaming.version(&mut order.term);
        }
    }
}

impl Orders {
    /// Reads the orders; what cannot be read is no order.
    pub fn from_annotations(annotations: &BTreeMap<String, String>) -> Orders {
        let text = |key: &str| annotations.get(key).map(String::as_str);
        Orders {
            timing: timing(text(DURATION), text(RENEWAL)),
            successors: list(text(SUCCESSORS)),
            paused: text(PAUSED) == Some("true"),
            fenced: list(text(FENCED)),
            handover: text(HANDOVER).and_then(HandOverOrder::parse),
        }
    }

    /// The annotations that say just this. A key without a value is to be
    /// removed from the Lease.
    pub fn to_annotations(&self) -> [(&'static str, Option<String>); 6] {
        let millis = |span: Duration| span.as_millis().to_string();
        let joined = |uids: &[String]| (!uids.is_empty()).then(|| uids.join(","));
        [
            (DURATION, self.timing.map(|timing| millis(timing.lease()))),
            (RENEWAL, self.timing.map(|timing| millis(timing.renewal()))),
            (SUCCESSORS, joined(&self.successors)),
            (PAUSED, self.paused.then(|| "true".to_owned())),
            (FENCED, joined(&self.fenced)),
            (HANDOVER, self.handover.as_ref().map(|order| format!("{}/{}", order.to, order.term))),
        ]
    }
}

impl HandOverOrder {
    fn parse(text: &str) -> Option<HandOverOrder> {
        let (to, term) = text.split_once('/')?;
        Some(HandOverOrder { to: to.to_owned(), term: term.parse().ok()? })
    }
}

/// What the holder of this term says of its illness; `None` while it is well.
/// What an earlier holder has left is of another term.
pub fn illness(annotations: &BTreeMap<String, String>, term: u64) -> Option<&str> {
    let (of, words) = annotations.get(ILLNESS)?.split_once('/')?;
    (of.parse() == Ok(term)).then_some(words)
}

/// The value of [`ILLNESS`] that says just this.
pub fn illness_to_text(term: u64, words: &str) -> String {
    format!("{term}/{words}")
}

fn timing(lease: Option<&str>, renewal: Option<&str>) -> Option<Timing> {
    let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
    Timing::new(millis(lease?)?, millis(renewal?)?).ok()
}

fn list(text: Option<&str>) -> Vec<String> {
    let items = text.unwrap_or_default().split(',');
    items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_read_back_as_they_were_written() {
        let orders = Orders {
            timing: Some(Timing::default()),
            successors: vec!["u1".into(), "u2".into()],
            paused: true,
            fenced: vec!["u3".into()],
            handover: Some(HandOverOrder { to: "u1".into(), term: 7 }),
        };
        let written = orders.to_annotations().into_iter();
        let annotations =
            written.filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        assert_eq!(Orders::from_annotations(&annotations), orders);
    }

    #[test]
    fn what_cannot_be_read_is_no_order() {
        let annotations = BTreeMap::from(
            [(DURATION, "6s"), (RENEWAL, "2000"), (PAUSED, "yes"), (HANDOVER, "u1")]
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        assert_eq!(Orders::from_annotations(&annotations), Orders::default());
    }

    #[test]
    fn an_illness_is_that_of_its_term() {
        let text = illness_to_text(7, "1/2 of its disks are full");
        let annotations = BTreeMap::from([(ILLNESS.to_owned(), text)]);
        assert_eq!(illness(&annotations, 7), Some("1/2 of its disks are full"));
        assert_eq!(illness(&annotations, 9), None);
        assert_eq!(illness(&BTreeMap::new(), 7), None);
    }

    #[test]
    fn a_copy_under_a_new_uid_is_not_stamped() {
        let annotations = BTreeMap::from([(STAMP.to_owned(), "old".to_owned())]);
        assert!(Lease::from_metadata("old", 1, &annotations).stamped);
        assert!(!Lease::from_metadata("new", 2, &annotations).stamped);
    }
}
