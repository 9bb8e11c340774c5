//! How long a node or a pod lives under `--lifetime`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

/// From the shortest life to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    shortest: Duration,
    longest: Duration,
}

impl Lifetime {
    /// From the shorter to the longer.
    pub const fn between(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest }
    }

    /// One life, as long as chance wants.
    pub fn draw(self, chance: &mut fastrand::Rng) -> Duration {
        self.shortest + (self.longest - self.shortest).mul_f64(chance.f64())
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} s", self.shortest.as_secs(), self.longest.as_secs())
    }
}

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || {
            format!("wanted two durations such as 10s..60s, the shorter one first, found `{text}`")
        };
        let (shortest, longest) = text.split_once("..").ok_or_else(wanted)?;
        let (shortest, longest) =
            (duration(shortest).ok_or_else(wanted)?, duration(longest).ok_or_else(wanted)?);
        if shortest < SHORTEST {
            return Err(format!(
                "wanted lives of at least {} s, found `{text}`",
                SHORTEST.as_secs()
            ));
        }
        if longest < shortest {
            return Err(wanted());
        }
        Ok(Self { shortest, longest })
    }
}

fn duration(text: &str) -> Option<Duration> {
    text.trim().parse::<SignedDuration>().ok()?.try_into().ok()
}

/// Less is no life: a pod needs a second or two to start.
const SHORTEST: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(shortest: u64, longest: u64) -> Lifetime {
        Lifetime { shortest: Duration::from_secs(shortest), longest: Duration::from_secs(longest) }
    }

    #[test]
    fn reads_a_range_of_durations() {
        assert_eq!("10s..60s".parse(), Ok(seconds(10, 60)));
        assert_eq!("30s..2m".parse(), Ok(seconds(30, 120)));
        assert_eq!("5s..5s".parse(), Ok(seconds(5, 5)));
    }

    #[test]
    fn refuses_what_is_no_range_and_says_what_is() {
        for text in ["10s", "10s..", "60s..10s", "ten..twenty", "-5s..5s"] {
            let error = text.parse::<Lifetime>().unwrap_err();
            assert!(error.contains("wanted"), "{text}: {error}");
        }
        assert!("1s..5s".parse::<Lifetime>().unwrap_err().contains("at least 3 s"));
    }

    #[test]
    fn draws_within_the_range_and_the_same_by_the_same_seed() {
        let lifetime = seconds(10, 60);
        let draw = || lifetime.draw(&mut fastrand::Rng::with_seed(7));
        assert_eq!(draw(), draw());
        assert!((Duration::from_secs(10)..=Duration::from_secs(60)).contains(&draw()));
    }
}
