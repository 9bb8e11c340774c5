//! The command line: what the sidecar is told comes by environment; what the
//! workload's containers ask for comes here.

use std::ffi::OsString;
use std::path::PathBuf;

use api::names::{env, operator_env};

use crate::{role_file, run};

/// What the caller wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    /// Take part in the election.
    Serve,
    /// Print this, and end.
    Tell(String),
    /// Print the role that stands in this file.
    ShowRole {
        /// The role file.
        file: PathBuf,
        /// As JSON instead of one word.
        json: bool,
    },
    /// Ask the sidecar of this container how it is.
    Probe {
        /// One of its paths.
        path: &'static str,
    },
    /// Run a command while the pod is the Goose.
    Run {
        /// The role file.
        file: PathBuf,
        /// The command and its arguments.
        command: Vec<OsString>,
    },
    /// Become the command of a wrapper with this number.
    Exec {
        /// The wrapper's process number.
        parent: String,
        /// The command and its arguments.
        command: Vec<OsString>,
    },
}

/// What was given instead.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// A word that means nothing.
    #[error(
        "wanted no argument, --help, --version, role, run or probe, found {0:?}: what the sidecar \
         needs is told by environment"
    )]
    Unknown(OsString),
    /// A word that means nothing to this command.
    #[error("wanted {wanted}, found {found:?}")]
    OfACommand {
        /// How the command is used.
        wanted: &'static str,
        /// The word.
        found: OsString,
    },
    /// Something that had to come.
    #[error("wanted {0}, found the end")]
    Missing(&'static str),
}

/// Reads the arguments that come after the program's name.
///
/// # Errors
/// When one of them is not known, or one is missing.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Wish, UsageError> {
    let mut words = arguments.into_iter();
    let Some(first) = words.next() else { return Ok(Wish::Serve) };
    match first.to_str() {
        Some("--help" | "-h") => Ok(Wish::Tell(help())),
        Some("--version" | "-V") => Ok(Wish::Tell(version())),
        Some("role") => role(words),
        Some("run") => run(words),
        Some("probe") => probe(words),
        Some(run::EXEC) => {
            let parent = words.next().and_then(|parent| parent.into_string().ok());
            let parent = parent.ok_or(UsageError::Missing("the wrapper's process number"))?;
            Ok(Wish::Exec { parent, command: words.collect() })
        }
        _ => Err(UsageError::Unknown(first)),
    }
}

fn role(mut words: impl Iterator<Item = OsString>) -> Result<Wish, UsageError> {
    let (mut file, mut json) = (None, false);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--file") => file = Some(words.next().ok_or(UsageError::Missing(ROLE))?.into()),
            Some("--json") => json = true,
            _ => return Err(UsageError::OfACommand { wanted: ROLE, found: word }),
        }
    }
    Ok(Wish::ShowRole { file: file.unwrap_or_else(beside_the_program), json })
}

fn run(mut words: impl Iterator<Item = OsString>) -> Result<Wish, UsageError> {
    let mut file = None;
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--file") => file = Some(words.next().ok_or(UsageError::Missing(RUN))?.into()),
            Some("--") => break,
            _ => return Err(UsageError::OfACommand { wanted: RUN, found: word }),
        }
    }
    let command: Vec<_> = words.collect();
    if command.is_empty() {
        return Err(UsageError::Missing(RUN));
    }
    Ok(Wish::Run { file: file.unwrap_or_else(beside_the_program), command })
}

fn probe(mut words: impl Iterator<Item = OsString>) -> Result<Wish, UsageError> {
    let word = words.next().ok_or(UsageError::Missing(PROBE))?;
    let path = match word.to_str() {
        Some("livez") => "/livez",
        Some("readyz") => "/readyz",
        _ => return Err(UsageError::OfACommand { wanted: PROBE, found: word }),
    };
    match words.next() {
        None => Ok(Wish::Probe { path }),
        Some(found) => Err(UsageError::OfACommand { wanted: PROBE, found }),
    }
}

/// The sidecar puts this program and its role file into one folder.
fn beside_the_program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.with_file_name(role_file::NAME)
}

fn version() -> String {
    format!("duckgoose {}", env!("CARGO_PKG_VERSION"))
}

fn help() -> String {
    let settings = [
        (env::CLUSTER, "name of the cluster, which is the name of its Lease"),
        (env::NAMESPACE, "namespace of the pod and of the Lease"),
        (env::POD, "name of the pod"),
        (env::POD_UID, "metadata.uid of the pod"),
        (env::LISTEN, "address to serve HTTP on, or localhost:PORT; [::]:4040 when absent"),
        (env::TERMINATION_LOG, "termination message; /dev/termination-log when absent"),
        (env::HANDOVER, "off to refuse POST /handover; on when absent"),
        (env::FOLDER, "folder for the role file and this program; none when absent"),
        (env::HOLD, "milliseconds that the role file promises at a time; 1000 when absent"),
        (env::HOOKS, "spec.hooks of the cluster as JSON; none when absent"),
        (env::HEALTH_CHECK, "spec.goose.healthCheck as JSON; none when absent"),
        (operator_env::LOG_LEVEL, "error, warn, info or debug; info when absent"),
    ];
    let lines = settings.map(|(name, meaning)| format!("  {name:<26} {meaning}\n")).concat();
    format!(
        "{}\n\nTakes part in the election of a DuckDuckGoose cluster, and tells this pod's role \
         over HTTP.\nThe operator puts it into each pod.\n\n\
         usage: duckgoose [--help | --version]\n       {ROLE}\n       {RUN}\n       {PROBE}\n\n\
         role prints goose, duck or unknown, and exits with 0, 1 or 2.\n\
         run starts the command when this pod becomes the Goose, and ends it before another is.\n\
         Both read the file beside this program, or the one that is named.\n\
         probe asks the sidecar of this container, and exits with 0 where it is well.\n\n\
         Environment of the sidecar:\n{lines}\n\
         The API server is found as by any client: KUBECONFIG, or the pod's service account.",
        version()
    )
}

const ROLE: &str = "duckgoose role [--json] [--file FILE]";

const RUN: &str = "duckgoose run [--file FILE] -- COMMAND [ARGUMENT…]";

const PROBE: &str = "duckgoose probe livez|readyz";

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(arguments: &[&str]) -> Result<Wish, UsageError> {
        read(arguments.iter().map(OsString::from))
    }

    #[test]
    fn nothing_means_to_take_part() {
        assert_eq!(read_all(&[]), Ok(Wish::Serve));
    }

    #[test]
    fn help_names_each_setting_of_the_operator() {
        let Ok(Wish::Tell(help)) = read_all(&["--help"]) else { panic!("no help") };
        for name in [
            env::CLUSTER,
            env::NAMESPACE,
            env::POD,
            env::POD_UID,
            env::LISTEN,
            env::TERMINATION_LOG,
            env::HANDOVER,
            env::FOLDER,
            env::HOLD,
            env::HOOKS,
            env::HEALTH_CHECK,
        ] {
            assert!(help.contains(name), "{name}");
        }
    }

    #[test]
    fn the_role_file_is_beside_the_program_unless_it_is_named() {
        let Ok(Wish::ShowRole { file, json: false }) = read_all(&["role"]) else { panic!("role") };
        assert_eq!(file.parent(), std::env::current_exe().unwrap().parent());
        assert_eq!(file.file_name().unwrap(), "role");
        let named = Wish::ShowRole { file: "/a/role".into(), json: true };
        assert_eq!(read_all(&["role", "--file", "/a/role", "--json"]), Ok(named));
    }

    #[test]
    fn all_that_comes_after_the_two_dashes_is_the_command() {
        let command = ["sh", "-c", "--file"].map(OsString::from).to_vec();
        let wish = Wish::Run { file: "/a/role".into(), command };
        assert_eq!(read_all(&["run", "--file", "/a/role", "--", "sh", "-c", "--file"]), Ok(wish));
    }

    #[test]
    fn a_probe_asks_for_one_of_two_paths() {
        assert_eq!(read_all(&["probe", "livez"]), Ok(Wish::Probe { path: "/livez" }));
        assert_eq!(read_all(&["probe", "readyz"]), Ok(Wish::Probe { path: "/readyz" }));
    }

    #[test]
    fn what_is_not_known_or_missing_is_refused_in_words() {
        let refused = |arguments: &[&str]| read_all(arguments).unwrap_err().to_string();
        assert_eq!(
            refused(&["--port=80"]),
            "wanted no argument, --help, --version, role, run or probe, found \"--port=80\": what \
             the sidecar needs is told by environment"
        );
        assert_eq!(refused(&["role", "now"]), format!("wanted {ROLE}, found \"now\""));
        assert_eq!(refused(&["run", "sh"]), format!("wanted {RUN}, found \"sh\""));
        assert_eq!(refused(&["run", "--"]), format!("wanted {RUN}, found the end"));
        assert_eq!(refused(&["probe"]), format!("wanted {PROBE}, found the end"));
        assert_eq!(refused(&["probe", "role"]), format!("wanted {PROBE}, found \"role\""));
        assert_eq!(refused(&["role", "--file"]), format!("wanted {ROLE}, found the end"));
    }
}
