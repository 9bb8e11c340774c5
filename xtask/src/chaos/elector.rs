//! Which sidecar is put to the test.

use std::fmt;
use std::str::FromStr;

/// A sidecar to elect with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Elector {
    /// The one that ships.
    #[default]
    Shipped,
}

impl fmt::Display for Elector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str("shipped"),
        }
    }
}

impl FromStr for Elector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "shipped" => Ok(Self::Shipped),
            _ => Err(format!("wanted `shipped`, found `{text}`")),
        }
    }
}
