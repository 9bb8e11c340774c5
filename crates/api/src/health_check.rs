//! `spec.goose.healthCheck`: when the workload of the Goose is too ill to lead.

use kube::KubeSchema;
use kube::core::Duration;
use serde::{Deserialize, Serialize};

use crate::hooks::IS_A_PATH;
use crate::lease::is_duration;

/// How the sidecar of the Goose finds out that the workload beside it is ill. Then it gives the role
/// to another pod that is ready; where there is none, it keeps the role and says so in `/role`.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(ONE_OF_BOTH).message(WRITE_ONE_OF_BOTH))]
pub struct HealthCheck {
    /// Healthy is who answers this with a status of 200 to 399.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_get: Option<HttpGet>,

    /// Healthy is who has touched this file not long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FreshFile>,

    /// How often it is looked at, from 100ms to 5m; 1s when left out.
    #[serde(default = "one_second")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(period_is_in_range()).message(PERIOD_IS_IN_RANGE))]
    pub period: Duration,

    /// How many looks in a row must fail, from 1 to 100; 3 when left out.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100))]
    pub failure_threshold: i32,

    /// What to do about an ill workload; HandOver when left out. Report keeps the role in any case.
    #[serde(default)]
    pub when_ill: WhenIll,
}

/// A question to the workload, on localhost.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpGet {
    /// Port on localhost.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,

    /// Path, with a slash at its beginning; `/` when left out.
    #[serde(default = "root")]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new(IS_A_PATH).message(WRITE_A_PATH))]
    pub path: String,
}

/// A file that the workload touches while it is well.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FreshFile {
    /// The volume of the template that it is on; the sidecar mounts it, read-only.
    #[schemars(length(min = 1, max = 63))]
    pub volume: String,

    /// Its path on that volume.
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new(IS_WITHIN).message(WRITE_WITHIN))]
    pub path: String,

    /// How old it may be.
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(age_is_in_range()).message(AGE_IS_IN_RANGE))]
    pub max_age: Duration,
}

/// What to do about an ill workload.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum WhenIll {
    /// Give the role to another pod that is ready.
    #[default]
    HandOver,
    /// Say so, and keep the role.
    Report,
}

fn one_second() -> Duration {
    std::time::Duration::from_secs(1).into()
}

fn three() -> i32 {
    3
}

fn root() -> String {
    "/".to_owned()
}

fn period_is_in_range() -> String {
    let is_duration = is_duration("self");
    format!(
        "{is_duration} && duration(self) >= duration('100ms') && duration(self) <= duration('5m')"
    )
}

fn age_is_in_range() -> String {
    let is_duration = is_duration("self");
    format!("{is_duration} && duration(self) >= duration('1s')")
}

const ONE_OF_BOTH: &str = "has(self.httpGet) != has(self.file)";
const WRITE_ONE_OF_BOTH: &str = "spec.goose.healthCheck must have either httpGet or file: write for example httpGet: {port: 8080, path: /healthz}";
const WRITE_A_PATH: &str = "spec.goose.healthCheck.httpGet.path must begin with / and have no blanks: write for example /healthz";
const IS_WITHIN: &str = "self.matches('^[^/:]+(/[^/:]+)*$') && !('..' in self.split('/'))";
const WRITE_WITHIN: &str = "spec.goose.healthCheck.file.path must be below its volume, without a slash at its beginning: write for example app/alive";
const PERIOD_IS_IN_RANGE: &str = "spec.goose.healthCheck.period must be from 100ms to 5m, a number with a unit: write for example 1s";
const AGE_IS_IN_RANGE: &str = "spec.goose.healthCheck.file.maxAge must be at least 1s, a number with a unit: write for example 10s";
