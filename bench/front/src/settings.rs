//! What the benchmark tells a program, by environment.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// All that a program is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Namespace of the Leases.
    pub namespace: String,
    /// Address to serve HTTP on.
    pub listen: String,
    /// How long a lease lasts.
    pub duration: Duration,
    /// One for each member.
    pub places: Vec<Place>,
}

/// One member's place in the election of one Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the Lease.
    pub lease: String,
    /// Name of the member.
    pub pod: String,
}

impl Settings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// Where a variable is missing, or no number where one is wanted.
    pub fn from_environment() -> Result<Self> {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let text = |name: &str| {
            variable(name).with_context(|| format!("wanted {name} in the environment"))
        };
        let number = |name: &str, otherwise| {
            let number = variable(name).map_or(Ok(otherwise), |text| text.parse::<usize>());
            let number = number.with_context(|| format!("wanted {name} to be a number"))?;
            ensure!(number > 0, "wanted {name} to be at least 1");
            Ok(number)
        };
        let (lease, pod) = (text("BENCH_LEASE")?, text("BENCH_POD")?);
        let (leases, members) = (number("BENCH_LEASES", 1)?, number("BENCH_MEMBERS", 1)?);
        Ok(Self {
            namespace: text("BENCH_NAMESPACE")?,
            listen: variable("BENCH_LISTEN").unwrap_or_else(|| "[::]:4040".to_owned()),
            duration: Duration::from_secs(number("BENCH_SECONDS", 15)? as u64),
            places: places(&lease, &pod, leases, members),
        })
    }
}

/// The names as they were told for a single member, and numbered ones for a crowd.
fn places(lease: &str, pod: &str, leases: usize, members: usize) -> Vec<Place> {
    if leases * members == 1 {
        return vec![Place { lease: lease.to_owned(), pod: pod.to_owned() }];
    }
    let all = (0..leases).flat_map(|of| (0..members).map(move |member| (of, member)));
    all.map(|(of, member)| Place {
        lease: if leases > 1 { format!("{lease}-{of}") } else { lease.to_owned() },
        pod: format!("{pod}-{of}-{member}"),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 5] = [
        ("BENCH_NAMESPACE", "default"),
        ("BENCH_LEASE", "pond"),
        ("BENCH_POD", "p"),
        ("BENCH_LEASES", "2"),
        ("BENCH_MEMBERS", "2"),
    ];

    fn read(variables: &[(&str, &str)]) -> Result<Settings> {
        let found = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Settings::read(|name| found(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn one_member_has_the_names_that_it_is_told() {
        let settings = read(&ALL[..3]).unwrap();
        assert_eq!(settings.places, [Place { lease: "pond".into(), pod: "p".into() }]);
        assert_eq!(settings.duration, Duration::from_secs(15));
    }

    #[test]
    fn a_crowd_has_numbers() {
        let places = read(&ALL).unwrap().places;
        let names: Vec<_> = places.iter().map(|it| format!("{} {}", it.lease, it.pod)).collect();
        assert_eq!(names, ["pond-0 p-0-0", "pond-0 p-0-1", "pond-1 p-1-0", "pond-1 p-1-1"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = read(&ALL[1..]).unwrap_err().to_string();
        assert_eq!(error, "wanted BENCH_NAMESPACE in the environment");
    }
}
