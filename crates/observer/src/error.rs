//! What can go wrong with an observation.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why something was not observed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thread could not be started.
    #[error("wanted a thread to observe on, found {0}")]
    Thread(#[source] io::Error),
    /// The API server cannot be asked by this kubeconfig.
    #[error("wanted a client by the kubeconfig, found {0}")]
    Client(String),
    /// Something did not happen in time.
    #[error("wanted {wanted} within {:.1} s, found {found}", within.as_secs_f64())]
    Timeout {
        /// What was waited for.
        wanted: String,
        /// How long.
        within: Duration,
        /// What there was instead.
        found: String,
    },
    /// The history could not be written.
    #[error("wanted to write {path}, found {source}", path = path.display())]
    File {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There was what must not be.
    #[error("{0}")]
    Judged(String),
}
