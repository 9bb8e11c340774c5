//! The operator as a process of this machine.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use api::names::operator_env::SIDECAR_IMAGE;

use crate::theatre::{built, left_behind};

/// An operator that works until this is dropped, which kills it.
#[derive(Debug)]
pub struct Operator {
    child: Child,
}

impl Operator {
    /// Starts the one that was built along with the tests. It works with this kubeconfig, and logs to
    /// a file of this name.
    ///
    /// # Errors
    /// Where it was not built, or does not start.
    pub fn start(kubeconfig: &Path, log: &str, arguments: &[&str]) -> Result<Self> {
        let program = built("duckgoose-operator", "duckduckgoose-operator")?;
        Self::start_program(&program, kubeconfig, log, arguments)
    }

    /// Starts this program likewise.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start_program(
        program: &Path,
        kubeconfig: &Path,
        log: &str,
        arguments: &[&str],
    ) -> Result<Self> {
        fs::create_dir_all(left_behind())?;
        let log = File::create(left_behind().join(log))?;
        let child = Command::new(program)
            .env("KUBECONFIG", kubeconfig)
            .env(SIDECAR_IMAGE, "duckduckgoose/sidecar:host")
            // Nobody asks for its health here, and tests of two checkouts may run at once.
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("wanted to run {}", program.display()))?;
        Ok(Self { child })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still works.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

/// SIGKILL: an operator has nothing to put in order.
impl Drop for Operator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
