//! What can be measured, by name.

use std::fmt;
use std::str::FromStr;

use testbed::Tier;

use crate::faults::Fault;

/// Something that is measured of each contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measurement {
    /// What a sidecar uses at rest, and its image.
    Rest,
    /// SIGTERM to the Goose's process.
    HandOver,
    /// SIGKILL to the Goose's process.
    Killed,
    /// Requests and writes with many members of one Lease.
    Members,
    /// The control plane with many Leases.
    Leases,
    /// What happens to the Goose's pod.
    Pods(Fault),
}

/// There is no measurement of that name.
#[derive(Debug)]
pub struct Unknown(String);

impl Measurement {
    /// All of them, in the order in which they are done.
    pub const ALL: [Self; 9] = [
        Self::Rest,
        Self::HandOver,
        Self::Killed,
        Self::Members,
        Self::Leases,
        Self::Pods(Fault::HandOver),
        Self::Pods(Fault::Killed),
        Self::Pods(Fault::Evicted),
        Self::Pods(Fault::CutOff),
    ];

    /// What kind of cluster it needs.
    pub fn tier(self) -> Tier {
        if matches!(self, Self::Pods(_)) { Tier::Full } else { Tier::Light }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::HandOver => "hand-over",
            Self::Killed => "killed",
            Self::Members => "members",
            Self::Leases => "leases",
            Self::Pods(Fault::HandOver) => "pod-hand-over",
            Self::Pods(Fault::Killed) => "pod-killed",
            Self::Pods(Fault::Evicted) => "evicted",
            Self::Pods(Fault::CutOff) => "cut-off",
        }
    }
}

impl FromStr for Measurement {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| Unknown(text.to_owned()))
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Measurement::ALL.map(Measurement::name).join(", ");
        write!(f, "wanted one of {names}, found {:?}", self.0)
    }
}

impl std::error::Error for Unknown {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name() {
        for one in Measurement::ALL {
            assert_eq!(one.to_string().parse::<Measurement>().unwrap(), one);
        }
        assert!("nonsense".parse::<Measurement>().unwrap_err().to_string().contains("hand-over"));
    }
}
