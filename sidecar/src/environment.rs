//! What the operator tells the sidecar, by environment.

use std::path::PathBuf;
use std::time::Duration;

use api::names::{SIDECAR_PORT, env};
use election::driver::incarnation;
use election::record::{Incarnation, NotAnIncarnation};
use serde::de::DeserializeOwned;

use crate::workload::{HealthCheck, Hooks};

/// All that a sidecar is told.
#[derive(Debug)]
pub struct Environment {
    /// Address and port to serve HTTP on.
    pub listen: String,
    /// File of the container's termination message.
    pub termination_log: PathBuf,
    /// Whether the workload may give the role up.
    pub handover: bool,
    /// Folder that the pod's other containers see.
    pub folder: Option<PathBuf>,
    /// For how long the role file promises the role at a time.
    pub hold: Duration,
    /// Whom it is, and in which election; or why that cannot be said.
    pub member: Result<Membership, EnvironmentError>,
}

/// Which member of which cluster this process is.
#[derive(Debug)]
pub struct Membership {
    /// Name of the cluster, and of its Lease.
    pub cluster: String,
    /// Namespace of both.
    pub namespace: String,
    /// This run of the sidecar in this pod.
    pub incarnation: Incarnation,
    /// What to send to the workload of its role.
    pub hooks: Hooks,
    /// How to find out whether the workload is well.
    pub health_check: Option<HealthCheck>,
}

/// Why a sidecar does not know who it is.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A variable is not there.
    #[error(
        "wanted {0} in the environment, found nothing: the operator sets it, and who runs the \
         sidecar by hand sets it by hand"
    )]
    Missing(&'static str),
    /// A variable is not what the operator writes.
    #[error("wanted JSON in {name} as the operator writes it, found other: {source}")]
    NotJson {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The pod's name or its uid are none.
    #[error("{} and {} make no identity: {source}", env::POD, env::POD_UID)]
    NotAPod {
        /// What is wrong with them.
        #[from]
        source: NotAnIncarnation,
    },
}

impl Environment {
    /// Reads the variables by this function.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Environment {
        // What is empty was forgotten just as well.
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let listen = variable(env::LISTEN).unwrap_or_else(|| format!("[::]:{SIDECAR_PORT}"));
        let termination_log = variable(env::TERMINATION_LOG);
        let hold = variable(env::HOLD).and_then(|hold| hold.parse().ok());
        Environment {
            listen,
            // What is not understood is the cautious one.
            handover: variable(env::HANDOVER).is_none_or(|value| value == "on"),
            termination_log: termination_log.as_deref().unwrap_or(TERMINATION_LOG).into(),
            folder: variable(env::FOLDER).map(PathBuf::from),
            hold: hold.map_or(HOLD, Duration::from_millis),
            member: Membership::read(variable),
        }
    }
}

impl Membership {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Membership, EnvironmentError> {
        let wanted = |name| variable(name).ok_or(EnvironmentError::Missing(name));
        Ok(Membership {
            cluster: wanted(env::CLUSTER)?,
            namespace: wanted(env::NAMESPACE)?,
            incarnation: incarnation(&wanted(env::POD)?, &wanted(env::POD_UID)?)?,
            hooks: json(env::HOOKS, &variable)?.unwrap_or_default(),
            health_check: json(env::HEALTH_CHECK, &variable)?,
        })
    }
}

/// A workload that is not told of its role as it should be must not be the Goose's.
fn json<T: DeserializeOwned>(
    name: &'static str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<T>, EnvironmentError> {
    let text = variable(name);
    let read = text.map(|text| serde_json::from_str(&text)).transpose();
    read.map_err(|source| EnvironmentError::NotJson { name, source })
}

/// Where Kubernetes looks unless told otherwise.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// Lets a renewal of the default lease fail twice before it is not given anew.
/// A shorter lease caps it.
const HOLD: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 4] = [
        (env::CLUSTER, "pond"),
        (env::NAMESPACE, "default"),
        (env::POD, "pond-0"),
        (env::POD_UID, "5ff5"),
    ];

    fn read(variables: &[(&str, &str)]) -> Environment {
        let found = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Environment::read(|name| found(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn what_is_absent_has_the_value_of_the_documentation() {
        let environment = read(&ALL);
        assert_eq!(environment.listen, "[::]:4040");
        assert!(environment.handover);
        assert_eq!((environment.folder, environment.hold), (None, Duration::from_secs(1)));
        assert_eq!(environment.termination_log, PathBuf::from("/dev/termination-log"));
        let member = environment.member.unwrap();
        assert_eq!((member.incarnation.pod(), member.incarnation.pod_uid()), ("pond-0", "5ff5"));
    }

    #[test]
    fn each_variable_that_is_missing_or_empty_is_named() {
        for (missing, _) in ALL {
            let rest: Vec<_> = ALL.into_iter().filter(|(name, _)| *name != missing).collect();
            let why = read(&rest).member.unwrap_err().to_string();
            assert!(why.starts_with(&format!("wanted {missing} in the environment")), "{why}");
        }
        let empty = ALL.map(|(name, value)| (name, if name == env::POD { "" } else { value }));
        assert!(matches!(read(&empty).member, Err(EnvironmentError::Missing(env::POD))));
    }

    #[test]
    fn hooks_that_cannot_be_read_keep_it_from_taking_part() {
        let odd = (env::HOOKS, r#"{"becomeDuck":null}"#);
        let why = read(&[&ALL[..], &[odd]].concat()).member.unwrap_err().to_string();
        assert!(why.starts_with("wanted JSON in DUCKGOOSE_HOOKS"), "{why}");
        assert!(why.contains("becomeDuck"), "{why}");
        assert_eq!(read(&ALL).member.unwrap().hooks, Hooks::default());
    }

    #[test]
    fn a_pod_that_cannot_be_one_is_refused() {
        let odd = ALL.map(|(name, value)| (name, if name == env::POD { "a_b" } else { value }));
        assert!(matches!(read(&odd).member, Err(EnvironmentError::NotAPod { .. })));
    }
}
