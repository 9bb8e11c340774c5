//! When a cluster takes what only the operator's own version changes in its pods, such as a new image
//! of the sidecar.
//!
//! That comes to all clusters at the same moment, and a rollout everywhere at once is nothing that
//! anybody wants. So each StatefulSet says what its template was made from. A change of the user's
//! part is carried out at once, and takes the rest along. Where only the rest differs, the
//! StatefulSet keeps its template until it is the cluster's turn (see `turns`). It also says whether
//! its pods are being made anew, and whether by turn: whoever operates next knows whose turn it is,
//! and that a sidecar which never came up is not to be kept.

use api::DuckGooseClusterSpec;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::ResourceExt;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::progress::is_complete;

/// What a pod template was made from, as fingerprints that are the same in each version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Of what the user said.
    user: String,
    /// Of what the operator made of it.
    whole: String,
}

/// What it is decided from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What the template would be made from now.
    pub wanted: &'a Origin,
    /// The cluster's StatefulSet, if there is one.
    pub stateful_set: Option<&'a StatefulSet>,
    /// `spec.replicas`.
    pub replicas: i32,
    /// `spec.paused`.
    pub paused: bool,
    /// Whether the cluster is annotated to be upgraded at once.
    pub at_once: bool,
    /// Whether the status tells that this generation of the spec was carried out.
    pub spec_is_old: bool,
}

/// Which template the StatefulSet is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// The newest, which it has.
    Newest,
    /// The newest, by the user's own change.
    Changing,
    /// The newest; it is the cluster's turn until all its pods have it.
    Upgrading,
    /// The newest when it is the cluster's turn, until then the one that it has.
    Waiting,
    /// The one that it has. It has no turn now: its pods stand still by `spec.paused`, or are not as
    /// they should be already, and the turn would never end.
    Kept,
}

/// Which template the StatefulSet is to have.
pub fn template(now: Situation) -> Template {
    let Some(set) = now.stateful_set else { return Template::Changing };
    let origin = Origin::read(set);
    let complete = is_complete(set, now.replicas);
    let changed_by_user = match &origin {
        Some(origin) => origin.user != now.wanted.user,
        // Of a version that said nothing of it.
        None => !now.spec_is_old,
    };
    if origin.as_ref() == Some(now.wanted) {
        let unfinished = rollout(set).filter(|_| !complete);
        unfinished.map_or(Template::Newest, Rollout::template)
    } else if let Some(rollout) = rollout(set).filter(|rollout| rollout.goes_on(set)) {
        rollout.template()
    } else if changed_by_user || now.at_once {
        Template::Changing
    } else if now.paused || !complete {
        Template::Kept
    } else {
        Template::Waiting
    }
}

impl Origin {
    /// What this template was made from.
    pub fn of(cluster: &DuckGooseClusterSpec, made: &PodTemplateSpec) -> Origin {
        let mut user = vec![
            json!(cluster.template),
            json!(cluster.hooks),
            json!(cluster.goose.health_check),
            json!(cluster.shared_volume),
        ];
        // Not there in earlier versions: left out where it changes nothing.
        if !cluster.sidecar.is_default() {
            user.push(json!(cluster.sidecar));
        }
        Origin { user: lasting_fingerprint(&user), whole: lasting_fingerprint(made) }
    }

    /// What the StatefulSet says of itself.
    pub fn read(set: &StatefulSet) -> Option<Origin> {
        let (user, whole) = set.annotations().get(ORIGIN)?.split_once('.')?;
        Some(Origin { user: user.to_owned(), whole: whole.to_owned() })
    }

    /// The same user's part, with a template of a version that said nothing of it.
    pub fn of_unknown_version(self) -> Origin {
        Origin { whole: UNKNOWN.to_owned(), ..self }
    }

    /// Makes the StatefulSet say so.
    pub fn write(&self, set: &mut StatefulSet) {
        set.annotations_mut().insert(ORIGIN.to_owned(), format!("{}.{}", self.user, self.whole));
    }
}

/// Why the StatefulSet's pods are being made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// The user changed the cluster.
    Own,
    /// It is the cluster's turn.
    ByTurn,
}

impl Rollout {
    fn template(self) -> Template {
        match self {
            Rollout::Own => Template::Changing,
            Rollout::ByTurn => Template::Upgrading,
        }
    }

    /// Whether a newer template is to be taken along. A turn goes on until it is over. A change of the
    /// user's has come to all pods some time, whether these are ready then or not: there may be pods
    /// that are ready only while they lead. Where none is ready, the newest can only be better.
    fn goes_on(self, set: &StatefulSet) -> bool {
        let status = set.status.clone().unwrap_or_default();
        let has_come = status.updated_replicas == Some(status.replicas);
        let some_are_ready = status.ready_replicas.is_some_and(|ready| ready > 0);
        self == Rollout::ByTurn || !has_come || !some_are_ready
    }

    /// Makes the StatefulSet say so.
    pub fn write(self, set: &mut StatefulSet) {
        let value = match self {
            Rollout::Own => OWN,
            Rollout::ByTurn => BY_TURN,
        };
        set.annotations_mut().insert(ROLLOUT.to_owned(), value.to_owned());
    }
}

/// Why its pods are being made anew, if the StatefulSet says so.
pub fn rollout(set: &StatefulSet) -> Option<Rollout> {
    let said = set.annotations().get(ROLLOUT)?;
    Some(if said == BY_TURN { Rollout::ByTurn } else { Rollout::Own })
}

/// Whether it is this StatefulSet's cluster's turn.
pub fn has_turn(set: &StatefulSet) -> bool {
    rollout(set) == Some(Rollout::ByTurn)
}

/// Whether decisions are made from this annotation of a StatefulSet.
pub fn is_told(annotation: &str) -> bool {
    [ORIGIN, ROLLOUT].contains(&annotation)
}

/// Of some sixty bits, and for other versions to read: unlike those that are only kept in memory.
fn lasting_fingerprint(part: &impl Serialize) -> String {
    let text = serde_json::to_vec(part).unwrap_or_default();
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Annotation of a StatefulSet: what its template was made from.
const ORIGIN: &str = "duckduckgoose.dev/made-from";

/// Annotation of a StatefulSet, while its pods are being made anew: why they are.
const ROLLOUT: &str = "duckduckgoose.dev/rollout";
const OWN: &str = "own";
const BY_TURN: &str = "turn";

/// In place of a fingerprint, and like none.
const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests {
    use api::SidecarSettings;
    use api::sidecar::Listen;
    use k8s_openapi::api::apps::v1::StatefulSetStatus;

    use super::*;

    fn origin(user: &str, whole: &str) -> Origin {
        Origin { user: user.into(), whole: whole.into() }
    }

    /// Of three pods, so many of which are ready.
    fn set(origin: Option<Origin>, rollout: Option<Rollout>, ready: i32) -> StatefulSet {
        let status = StatefulSetStatus {
            replicas: 3,
            updated_replicas: Some(3),
            ready_replicas: Some(ready),
            ..StatefulSetStatus::default()
        };
        let mut set = StatefulSet { status: Some(status), ..StatefulSet::default() };
        if let Some(origin) = origin {
            origin.write(&mut set);
        }
        if let Some(rollout) = rollout {
            rollout.write(&mut set);
        }
        set
    }

    /// One of the pods has not been made anew yet.
    fn amid(mut set: StatefulSet) -> StatefulSet {
        set.status.as_mut().unwrap().updated_replicas = Some(2);
        set
    }

    #[test]
    fn only_the_operators_own_change_waits_for_a_turn() {
        let same = || Some(origin("u", "2"));
        let older = || Some(origin("u", "1"));
        let users = || Some(origin("v", "1"));
        let (own, turn) = (Some(Rollout::Own), Some(Rollout::ByTurn));
        for (what, set, wanted) in [
            ("nothing changed", set(same(), None, 3), Template::Newest),
            ("nothing changed, and a pod fell ill", set(same(), None, 2), Template::Newest),
            ("another sidecar", set(older(), None, 3), Template::Waiting),
            ("another sidecar, and a pod fell ill", set(older(), None, 2), Template::Kept),
            ("the user's change", set(users(), None, 3), Template::Changing),
            ("the user's change, and a pod fell ill", set(users(), None, 2), Template::Changing),
            ("the user's change, a pod is coming", set(same(), own, 2), Template::Changing),
            ("the user's change, which is done", set(same(), own, 3), Template::Newest),
            ("another sidecar, a pod never was ready", set(older(), own, 2), Template::Kept),
            ("another sidecar, no pod ever was", set(older(), own, 0), Template::Changing),
            ("another sidecar, amid a change", amid(set(older(), own, 3)), Template::Changing),
            ("its turn, not applied yet", set(older(), turn, 3), Template::Upgrading),
            ("its turn, a pod is coming", set(same(), turn, 2), Template::Upgrading),
            ("its turn, the user's change", set(users(), turn, 2), Template::Upgrading),
            ("its turn, which is over", set(same(), turn, 3), Template::Newest),
            ("of a version that says nothing", set(None, None, 3), Template::Waiting),
        ] {
            assert_eq!(decided(Some(&set), |_| ()), wanted, "{what}");
        }
        assert_eq!(decided(None, |_| ()), Template::Changing);
    }

    #[test]
    fn people_can_hold_it_and_hurry_it() {
        let older = set(Some(origin("u", "1")), None, 3);
        assert_eq!(decided(Some(&older), |now| now.paused = true), Template::Kept);
        assert_eq!(decided(Some(&older), |now| now.at_once = true), Template::Changing);
    }

    #[test]
    fn what_changed_while_nobody_looked_is_the_users_change() {
        let silent = set(None, None, 3);
        assert_eq!(decided(Some(&silent), |now| now.spec_is_old = false), Template::Changing);
    }

    fn decided(set: Option<&StatefulSet>, differently: fn(&mut Situation)) -> Template {
        let mut now = Situation {
            wanted: &origin("u", "2"),
            stateful_set: set,
            replicas: 3,
            paused: false,
            at_once: false,
            spec_is_old: true,
        };
        differently(&mut now);
        template(now)
    }

    #[test]
    fn an_origin_is_read_as_it_is_written() {
        let written = origin("u", "1");
        assert_eq!(Origin::read(&set(Some(written.clone()), None, 3)), Some(written));
        assert_eq!(Origin::read(&set(None, Some(Rollout::Own), 3)), None);
    }

    /// Another one here means that each cluster rolls at once after an upgrade: a new field of these
    /// parts is to be left out of the text where it has its default.
    #[test]
    fn the_users_part_is_the_same_in_each_version() {
        let spec = json!({
            "template": { "spec": { "containers": [{ "name": "app", "image": "app:1" }] } },
            "hooks": { "port": 8080, "become": { "path": "/on" } },
            "goose": { "healthCheck": { "httpGet": { "path": "/well", "port": 8080 } } },
            "sharedVolume": {},
        });
        let spec: DuckGooseClusterSpec = serde_json::from_value(spec).unwrap();
        let user = |spec: &DuckGooseClusterSpec| Origin::of(spec, &spec.template).user;
        assert_eq!(user(&spec), "e6378aa6a09e4f39");
        let said = |listen| SidecarSettings { listen };
        assert_eq!(user(&with(&spec, said(Listen::Pod))), user(&spec));
        assert_ne!(user(&with(&spec, said(Listen::Loopback))), user(&spec));
    }
    fn with(spec: &DuckGooseClusterSpec, sidecar: SidecarSettings) -> DuckGooseClusterSpec {
        DuckGooseClusterSpec { sidecar, ..spec.clone() }
    }
}
