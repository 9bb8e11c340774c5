//! `spec.hooks`: what the workload is told when its pod becomes the Goose, and when that ends.

use kube::KubeSchema;
use kube::core::Duration;
use serde::{Deserialize, Serialize};

use crate::lease::is_duration;

/// Requests that the sidecar sends to the workload in its own pod: `POST`, to localhost, with the
/// body of `/role`.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hooks {
    /// Sent when this pod has won the election. The pod says that it is the Goose only when a status
    /// of 200 to 299 was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub become_goose: Option<BecomeGoose>,

    /// Sent when the role ends. Nobody else becomes the Goose before a status of 200 to 299 was
    /// answered, or the lease has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cease_goose: Option<CeaseGoose>,
}

/// What is sent when this pod has won the election.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BecomeGoose {
    /// Port on localhost.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,

    /// Path, with a slash at its beginning.
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new(IS_A_PATH).message(WRITE_A_PATH))]
    pub path: String,

    /// How long an answer may take, from 1ms to 5m; 10s when left out.
    #[serde(default = "ten_seconds")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(timeout_is_in_range()).message(TIMEOUT_IS_IN_RANGE))]
    pub timeout: Duration,

    /// What to do when there is no good answer in time; HandOver when left out. HandOver gives the
    /// role to another pod that is ready, and asks again where there is none, or where this pod has
    /// handed over for this reason not long ago; Proceed makes this pod the Goose all the same.
    #[serde(default)]
    pub failure_policy: FailurePolicy,
}

/// What to do when the workload does not become the Goose.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum FailurePolicy {
    /// Give the role to another.
    #[default]
    HandOver,
    /// Be the Goose all the same.
    Proceed,
}

/// What is sent when the role ends.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CeaseGoose {
    /// Port on localhost.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,

    /// Path, with a slash at its beginning.
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new(IS_A_PATH).message(WRITE_A_PATH))]
    pub path: String,

    /// How long it takes at the most, up to a third of the lease's duration; 500ms when left out. A
    /// Goose that cannot renew gives its role up this long before its lease ends.
    #[serde(default = "half_a_second")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(timeout_is_in_range()).message(TIMEOUT_IS_IN_RANGE))]
    pub timeout: Duration,
}

fn ten_seconds() -> Duration {
    std::time::Duration::from_secs(10).into()
}

fn half_a_second() -> Duration {
    std::time::Duration::from_millis(500).into()
}

fn timeout_is_in_range() -> String {
    let is_duration = is_duration("self");
    format!(
        "{is_duration} && duration(self) >= duration('1ms') && duration(self) <= duration('5m')"
    )
}

/// Of two parts of the spec, and so a rule of the whole. Text that is no duration passes here: its
/// own rule has already refused it.
pub(crate) fn ceasing_fits() -> String {
    let (hook, lease) = ("self.spec.hooks.ceaseGoose", "self.spec.lease.duration");
    let timeout = format!("{hook}.timeout");
    let (is_timeout, is_lease) = (is_duration(&timeout), is_duration(lease));
    format!(
        "!has(self.spec.hooks) || !has({hook}) || !{is_timeout} || !{is_lease} || \
         duration({timeout}) + duration({timeout}) + duration({timeout}) <= duration({lease})"
    )
}

/// Nothing that would end the request's first line.
pub(crate) const IS_A_PATH: &str = "self.matches('^/[!-~]*$')";
const WRITE_A_PATH: &str =
    "the path of a hook must begin with / and have no blanks: write for example /become-goose";
const TIMEOUT_IS_IN_RANGE: &str =
    "the timeout of a hook must be from 1ms to 5m, a number with a unit: write for example 500ms";
pub(crate) const CEASING_FITS: &str = "spec.hooks.ceaseGoose.timeout must be at most a third of spec.lease.duration, so that it fits between \
     a renewal and the moment when the Goose must step down: write for example timeout: 1s, duration: 6s";
