//! `spec.lease`: how long the Goose may be silent.

use std::time;

use kube::KubeSchema;
use kube::core::Duration;
use serde::{Deserialize, Serialize};

/// How the role of the Goose is leased. The shorter, the sooner a dead Goose is replaced, and the
/// more often a living one writes to the API server.
#[derive(KubeSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(renewal_fits()).message(RENEWAL_FITS))]
pub struct LeaseSettings {
    /// How long a Duck waits before it takes over from a Goose that no longer renews, from 2s to
    /// 60s, as a number with a unit; 6s when left out. A Goose that cannot renew stops being Goose a
    /// little before that.
    #[serde(default = "default_duration")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(duration_is_in_range()).message(DURATION_IS_IN_RANGE))]
    pub duration: Duration,

    /// How often the Goose renews, from 200ms to a third of the duration, so that at least three
    /// attempts fit before it must step down; 2s when left out.
    #[serde(default = "default_renewal")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(renewal_is_in_range()).message(RENEWAL_IS_IN_RANGE))]
    pub renewal: Duration,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self { duration: default_duration(), renewal: default_renewal() }
    }
}

fn default_duration() -> Duration {
    time::Duration::from_secs(6).into()
}

fn default_renewal() -> Duration {
    time::Duration::from_secs(2).into()
}

/// The rule by which text is a duration.
///
/// Every other rule asks this one first, because CEL's own answer to text that is no duration is a
/// "rule evaluation error". Five digits cannot overflow. The schema's `format: duration` is not
/// used: it lets "2 weeks" in, which neither Go nor the operator can read.
pub(crate) fn is_duration(field: &str) -> String {
    format!("{field}.matches('^([0-9]{{1,5}}([.][0-9]{{1,3}})?(ms|s|m))+$')")
}

fn duration_is_in_range() -> String {
    let is_duration = is_duration("self");
    format!(
        "{is_duration} && duration(self) >= duration('2s') && duration(self) <= duration('60s')"
    )
}

fn renewal_is_in_range() -> String {
    let is_duration = is_duration("self");
    format!("{is_duration} && duration(self) >= duration('200ms')")
}

/// The election's timing has the same arithmetic, and writes it out. Text that is no duration
/// passes here: its own rule has already refused it.
fn renewal_fits() -> String {
    let (duration, renewal) = (is_duration("self.duration"), is_duration("self.renewal"));
    format!(
        "!{duration} || !{renewal} || \
         duration(self.renewal) + duration(self.renewal) + duration(self.renewal) <= duration(self.duration)"
    )
}

const DURATION_IS_IN_RANGE: &str = "spec.lease.duration must be from 2s to 60s, a number with the unit s or ms: write for example 6s";
const RENEWAL_IS_IN_RANGE: &str = "spec.lease.renewal must be at least 200ms, a number with the unit s or ms: write for example 2s";
const RENEWAL_FITS: &str = "spec.lease.renewal must be at most a third of spec.lease.duration, so that at least three attempts \
     to renew fit before the Goose must step down: write for example duration: 6s, renewal: 2s";
