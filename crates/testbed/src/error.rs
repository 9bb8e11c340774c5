//! What can go wrong with a cluster.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a cluster could not be started, changed or taken down.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step of the bring-up failed.
    #[error("step \"{step}\" failed: {source}")]
    Step {
        /// The step's name.
        step: String,
        /// What went wrong in it.
        source: Box<Error>,
    },
    /// A program of the cluster is not as it should be.
    #[error("{name} {why}; its log {log} ends with:\n{tail}", log = log.display())]
    Program {
        /// The program's name.
        name: String,
        /// What is wrong with it.
        why: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A program did not start at all.
    #[error("wanted to start {program}, found {source}", program = program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A command of the system failed.
    #[error("`{command}` failed: {message}")]
    Command {
        /// The command as it was run.
        command: String,
        /// What it wrote to its standard error.
        message: String,
    },
    /// A file could not be read or written.
    #[error("wanted to use {path}, found {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something did not happen in time.
    #[error("wanted {what} within {} s, found {found}", within.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
        /// What there was instead.
        found: String,
    },
    /// The name cannot be used, or the cluster has another shape than what was asked of it.
    #[error("{0}")]
    Unfit(String),
    /// There is one already.
    #[error("wanted to start the cluster {name}, found it running; `cargo xtask down` ends it")]
    Exists {
        /// Its name.
        name: String,
    },
    /// There is none.
    #[error("wanted the cluster {name}, found none; `cargo xtask up` starts it")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A program could not be built.
    #[error(transparent)]
    Programs(#[from] crate::programs::Error),
    /// The machine lacks something.
    #[error(transparent)]
    Prerequisites(#[from] crate::prerequisites::Error),
    /// An image could not be built.
    #[error(transparent)]
    Image(#[from] crate::image::Error),
    /// A key or certificate could not be made.
    #[error("wanted a certificate, found {0}")]
    Certificate(#[from] rcgen::Error),
    /// The API server refused, or was not there.
    #[error(transparent)]
    Api(#[from] kube::Error),
    /// A kubeconfig of the cluster is not right.
    #[error(transparent)]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// Something of the cluster is still there after it was taken down.
    #[error("wanted the cluster {name} to be gone, found left: {left}")]
    Left {
        /// Its name.
        name: String,
        /// What is still there.
        left: String,
    },
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }
}
