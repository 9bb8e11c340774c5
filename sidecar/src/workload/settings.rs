//! What the operator tells of the workload, as JSON in the environment.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// What to send to the workload of its role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hooks {
    /// When it becomes the Goose's.
    pub become_goose: Option<BecomeGoose>,
    /// When it is the Goose's no more.
    pub cease_goose: Option<CeaseGoose>,
}

/// Sent before this pod says that it leads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BecomeGoose {
    pub port: u16,
    pub path: String,
    #[serde(rename = "timeoutMs", deserialize_with = "millis")]
    pub timeout: Duration,
    pub failure_policy: FailurePolicy,
}

/// Sent before others may lead.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CeaseGoose {
    pub port: u16,
    pub path: String,
    #[serde(rename = "timeoutMs", deserialize_with = "millis")]
    pub timeout: Duration,
}

/// What to do when the workload does not become the Goose's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FailurePolicy {
    HandOver,
    Proceed,
}

/// How to find out whether the workload is well.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    pub http_get: Option<HttpGet>,
    pub file: Option<FreshFile>,
    #[serde(rename = "periodMs", deserialize_with = "millis")]
    pub period: Duration,
    /// How many looks in a row must fail.
    pub failure_threshold: u32,
    pub when_ill: WhenIll,
}

/// A question to the workload.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HttpGet {
    pub port: u16,
    pub path: String,
}

/// A file that it touches while it is well.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FreshFile {
    pub path: PathBuf,
    #[serde(rename = "maxAgeMs", deserialize_with = "millis")]
    pub max_age: Duration,
}

/// What to do about an ill workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum WhenIll {
    HandOver,
    Report,
}

fn millis<'de, D: Deserializer<'de>>(number: D) -> Result<Duration, D::Error> {
    u64::deserialize(number).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operator_writes_can_be_read() {
        let hooks: Hooks = serde_json::from_str(
            r#"{"becomeGoose":{"port":80,"path":"/a","timeoutMs":2000,"failurePolicy":"HandOver"},
                "ceaseGoose":null}"#,
        )
        .unwrap();
        assert_eq!(hooks.become_goose.unwrap().timeout, Duration::from_secs(2));
        let check: HealthCheck = serde_json::from_str(
            r#"{"httpGet":null,"file":{"path":"/run/duckgoose-health/alive","maxAgeMs":10000},
                "periodMs":1000,"failureThreshold":3,"whenIll":"HandOver"}"#,
        )
        .unwrap();
        assert_eq!(check.file.unwrap().max_age, Duration::from_secs(10));
    }
}
