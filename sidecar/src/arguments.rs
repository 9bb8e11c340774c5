//! The command line: `--help` and `--version`. All else is told by environment.

use api::names::{env, operator_env};

/// What the caller wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    /// Take part in the election.
    Run,
    /// Print this, and end.
    Tell(String),
}

/// What was given instead.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("wanted no argument, --help or --version, found {0:?}: all else is told by environment")]
pub struct UnknownArgument(String);

/// Reads the arguments that come after the program's name.
///
/// # Errors
/// When one of them is not known.
pub fn read(arguments: impl IntoIterator<Item = String>) -> Result<Wish, UnknownArgument> {
    let mut wish = Wish::Run;
    for argument in arguments {
        wish = match argument.as_str() {
            "--help" | "-h" => Wish::Tell(help()),
            "--version" | "-V" => Wish::Tell(version()),
            _ => return Err(UnknownArgument(argument)),
        };
    }
    Ok(wish)
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
        (env::LISTEN, "address to serve HTTP on; [::]:4040 when absent"),
        (env::TERMINATION_LOG, "termination message; /dev/termination-log when absent"),
        (env::HANDOVER, "off to refuse POST /handover; on when absent"),
        (operator_env::LOG_LEVEL, "error, warn, info or debug; info when absent"),
    ];
    let lines = settings.map(|(name, meaning)| format!("  {name:<26} {meaning}\n")).concat();
    format!(
        "{}\n\nTakes part in the election of a DuckDuckGoose cluster, and tells this pod's role \
         over HTTP.\nThe operator puts it into each pod.\n\nusage: duckgoose [--help | --version]\n\n\
         Environment:\n{lines}\n\
         The API server is found as by any client: KUBECONFIG, or the pod's service account.",
        version()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(arguments: &[&str]) -> Result<Wish, UnknownArgument> {
        read(arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn nothing_means_to_run() {
        assert_eq!(read_all(&[]), Ok(Wish::Run));
    }

    #[test]
    fn help_names_each_setting_of_the_operator() {
        let Ok(Wish::Tell(help)) = read_all(&["--help"]) else { panic!("no help") };
        for name in [env::CLUSTER, env::NAMESPACE, env::POD, env::POD_UID, env::LISTEN] {
            assert!(help.contains(name), "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_in_words() {
        let refused = read_all(&["--port=80"]).unwrap_err().to_string();
        assert_eq!(
            refused,
            "wanted no argument, --help or --version, found \"--port=80\": all else is told by \
             environment"
        );
    }
}
