//! The objects that are applied: which ones need it, without asking the API server.
//!
//! The API server fills in defaults and rewrites quantities, so what was applied and what is there
//! cannot be compared. Instead the operator remembers what it applied and what became of it: it
//! applies again when it wants something else, or when somebody changed the outcome. For that it need
//! not keep the objects of a thousand clusters: a fingerprint of each is enough.

use std::hash::{DefaultHasher, Hash, Hasher};

use api::names::CLUSTER_LABEL;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde_json::Value;

use super::owner::{Owner, Standing};
use super::problem::Problem;

/// An object as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose it is.
    pub standing: Standing,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub version: u64,
    /// Of all that the operator could want to change in it.
    pub fingerprint: u64,
    /// Whether it is being deleted.
    pub going: bool,
}

/// What the operator applied, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Fingerprint of what was applied.
    pub wanted: u64,
    /// The object that the API server answered with.
    pub became: Found,
}

/// What is to be done to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is as wanted, or is being deleted and will be told of when it is gone.
    Nothing,
    /// There is none by its name: make it.
    Make,
    /// Apply it to the object with this uid.
    Apply {
        /// `metadata.uid`.
        uid: String,
    },
    /// People must know.
    Blocked(Problem),
}

/// What is to be done so that the object, `Service pond-members` for example, is as wanted.
pub fn step(object: &str, wanted: u64, found: Option<&Found>, applied: Option<&Applied>) -> Step {
    let Some(found) = found else { return Step::Make };
    if let Some(problem) = Problem::from_standing(object, &found.standing) {
        return Step::Blocked(problem);
    }
    let as_applied = applied.is_some_and(|applied| {
        // An older version than the one that was answered with is an echo still on its way.
        let echo = found.version <= applied.became.version;
        applied.wanted == wanted
            && applied.became.uid == found.uid
            && (echo || applied.became.fingerprint == found.fingerprint)
    });
    if found.going || as_applied { Step::Nothing } else { Step::Apply { uid: found.uid.clone() } }
}

impl Found {
    /// The object as it is, seen from its owner.
    pub fn new<K>(object: &K, owner: &Owner) -> Found
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        Found {
            standing: owner.standing(object.meta()),
            uid: object.uid().unwrap_or_default(),
            version: version(object),
            fingerprint: fingerprint(object),
            going: object.meta().deletion_timestamp.is_some(),
        }
    }
}

/// `metadata.resourceVersion` as the integer that it is (KEP-5504).
pub fn version(object: &impl ResourceExt) -> u64 {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or_default()
}

/// Of all in an object that an applier could want to change: not its status, and of its metadata
/// labels, annotations and owners. Of an object that is under [`keep_fingerprint`], the one that was kept.
pub fn fingerprint(object: &(impl Resource + Serialize)) -> u64 {
    match kept_fingerprint(object) {
        Some(print) => print,
        None => content_fingerprint(object),
    }
}

/// Leaves of an object's metadata whose it is, and its fingerprint in place of the annotations. The
/// caller may then drop all else of it that a fingerprint is of.
pub fn keep_fingerprint(object: &mut (impl Resource + Serialize)) {
    let print = content_fingerprint(object);
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    metadata.annotations = Some([(FINGERPRINT.to_owned(), print.to_string())].into());
    if let Some(labels) = &mut metadata.labels {
        labels.retain(|label, _| label == CLUSTER_LABEL);
    }
}

fn kept_fingerprint(object: &impl Resource) -> Option<u64> {
    object.meta().annotations.as_ref()?.get(FINGERPRINT)?.parse().ok()
}

/// The same of what is no object of its own.
pub fn content_fingerprint(object: &impl Serialize) -> u64 {
    let mut object = serde_json::to_value(object).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata
            .retain(|field, _| ["labels", "annotations", "ownerReferences"].contains(&&**field));
    }
    let mut hasher = DefaultHasher::new();
    object.to_string().hash(&mut hasher);
    hasher.finish()
}

/// An annotation of objects as they are kept here. No object of the API server has it: the part before
/// the slash is none that it allows.
const FINGERPRINT: &str = "(operator)/fingerprint";

#[cfg(test)]
mod tests {
    use api::status::reconciled;
    use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
    use k8s_openapi::api::core::v1::Service;

    use super::*;

    fn found() -> Found {
        let uid = "s1".to_owned();
        Found { standing: Standing::Ours, uid, version: 10, fingerprint: 77, going: false }
    }

    fn applied(wanted: u64) -> Applied {
        Applied { wanted, became: found() }
    }

    #[test]
    fn only_what_differs_is_applied() {
        let again = || Step::Apply { uid: "s1".into() };
        let edited = Found { version: 11, fingerprint: 78, ..found() };
        let status_only = Found { version: 11, ..found() };
        let echo = Found { version: 9, fingerprint: 78, ..found() };
        let made_anew = Found { version: 12, uid: "s2".into(), ..found() };
        let going = Found { going: true, ..edited.clone() };
        for (what, found, applied, wanted) in [
            ("absent", None, None, Step::Make),
            ("absent, though applied", None, Some(applied(1)), Step::Make),
            ("after a restart of the operator", Some(found()), None, again()),
            ("as it became", Some(found()), Some(applied(1)), Step::Nothing),
            ("another is wanted", Some(found()), Some(applied(2)), again()),
            ("somebody edited it", Some(edited), Some(applied(1)), again()),
            ("its status changed", Some(status_only), Some(applied(1)), Step::Nothing),
            ("from before it was applied", Some(echo), Some(applied(1)), Step::Nothing),
            (
                "deleted and made anew",
                Some(made_anew),
                Some(applied(1)),
                Step::Apply { uid: "s2".into() },
            ),
            ("being deleted", Some(going), Some(applied(1)), Step::Nothing),
        ] {
            assert_eq!(step("Service x", 1, found.as_ref(), applied.as_ref()), wanted, "{what}");
        }
    }

    #[test]
    fn what_is_not_ours_is_not_touched() {
        for (standing, reason) in [
            (Standing::Unowned, reconciled::NAME_TAKEN),
            (Standing::Foreign("Deployment web".into()), reconciled::NAME_TAKEN),
            (Standing::Predecessor, reconciled::PREDECESSOR_RUNNING),
        ] {
            let found = Found { standing, ..found() };
            match step("StatefulSet pond", 1, Some(&found), Some(&applied(1))) {
                Step::Blocked(problem) => assert_eq!(problem.reason, reason),
                other => panic!("wanted it blocked, found {other:?}"),
            }
        }
    }

    #[test]
    fn a_fingerprint_is_of_what_can_be_wanted() {
        let set = StatefulSet::default();
        let mut changed = set.clone();
        changed.metadata.resource_version = Some("8".into());
        changed.status = Some(StatefulSetStatus { replicas: 3, ..StatefulSetStatus::default() });
        assert_eq!(fingerprint(&set), fingerprint(&changed));
        changed.labels_mut().insert("a".into(), "b".into());
        assert_ne!(fingerprint(&set), fingerprint(&changed));
    }

    #[test]
    fn what_is_kept_of_an_object_has_the_fingerprint_and_the_owner_of_the_whole() {
        let owner = Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() };
        let mut whole = Service { metadata: owner.metadata("pond-goose"), ..Service::default() };
        whole.metadata.resource_version = Some("8".into());
        whole.annotations_mut().insert("a".into(), "b".into());
        whole.spec.get_or_insert_default().type_ = Some("ClusterIP".into());
        let mut kept = whole.clone();
        keep_fingerprint(&mut kept);
        kept.spec = None;
        assert_eq!(Found::new(&kept, &owner), Found::new(&whole, &owner));
        assert_eq!(kept.labels().get(CLUSTER_LABEL), whole.labels().get(CLUSTER_LABEL));
        whole.spec.get_or_insert_default().type_ = Some("NodePort".into());
        assert_ne!(fingerprint(&kept), fingerprint(&whole));
    }
}
