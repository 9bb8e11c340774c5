//! `spec.sharedVolume`: the role for programs that do not speak HTTP.

use kube::KubeSchema;
use kube::core::Duration;
use serde::{Deserialize, Serialize};

use crate::lease::is_duration;

/// A folder in each container of a pod, which only the sidecar can write. In it are the file `role`
/// and the program `duckgoose`: `duckgoose role` tells what the file says, and `duckgoose run --
/// COMMAND` runs a command while the pod is the Goose, and ends it before another pod is.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedVolume {
    /// Where the folder is in each container; `/run/duckgoose` when left out.
    #[serde(default = "default_mount_path")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = Rule::new(IS_A_FOLDER).message(WRITE_A_FOLDER))]
    pub mount_path: String,

    /// For how long the file promises the role at a time, from 200ms to a third of the lease's
    /// duration; 1s when left out, or a third of the lease's duration where that is shorter. A
    /// command that is to end has at least a third of it, and a hand-over waits for up to 1.12 of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(hold_is_in_range()).message(HOLD_IS_IN_RANGE))]
    pub hold: Option<Duration>,
}

fn default_mount_path() -> String {
    "/run/duckgoose".to_owned()
}

fn hold_is_in_range() -> String {
    let is_duration = is_duration("self");
    format!("{is_duration} && duration(self) >= duration('200ms')")
}

/// Of two parts of the spec, and so a rule of the whole. Text that is no duration passes here: its own
/// rule has already refused it.
pub(crate) fn hold_fits() -> String {
    let (hold, lease) = ("self.spec.sharedVolume.hold", "self.spec.lease.duration");
    let (is_hold, is_lease) = (is_duration(hold), is_duration(lease));
    format!(
        "!has(self.spec.sharedVolume) || !has({hold}) || !{is_hold} || !{is_lease} || \
         duration({hold}) + duration({hold}) + duration({hold}) <= duration({lease})"
    )
}

/// As a container's mount has it: absolute, and without a colon.
const IS_A_FOLDER: &str = "self.matches('^(/[^/:]+)+$') && !self.contains('/..')";
const WRITE_A_FOLDER: &str = "spec.sharedVolume.mountPath must be a folder below /, without a colon and without a slash at \
     its end: write for example /run/duckgoose";
const HOLD_IS_IN_RANGE: &str = "spec.sharedVolume.hold must be at least 200ms, a number with the unit s or ms: write for example 1s";
pub(crate) const HOLD_FITS: &str = "spec.sharedVolume.hold must be at most a third of spec.lease.duration, so that it fits between a \
     renewal and the moment when the Goose must step down: write for example hold: 1s, duration: 6s";
