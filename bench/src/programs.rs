//! Builds what is measured: programs that are linked statically, so that they run in images that have nothing else
//! in them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::contender::Kind;

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    sidecar: PathBuf,
    members: PathBuf,
    folder: PathBuf,
}

impl Programs {
    /// Builds all of them, from the root of the checkout. Blocks. Compilers write to standard error.
    ///
    /// # Errors
    /// Where one does not build.
    pub fn build(say: &(dyn Fn(&str) + Sync)) -> Result<Self> {
        say("building our sidecar, and members of ours in one process");
        let sidecar = testbed::static_binary("duckduckgoose-sidecar", "duckgoose")?;
        let members = testbed::static_binary("duckduckgoose-bench-members", "members")?;
        let folder = std::env::current_dir()?.join(FOLDER);
        say("building client-go's sidecar (first time usually 30 s)");
        client_go(&folder)?;
        say("building those of kubert and kube-leader-election (first time usually 4 min)");
        build_rust_peers(&folder)?;
        Ok(Self { sidecar, members, folder })
    }

    /// The sidecar of a pod.
    pub fn sidecar(&self, kind: Kind) -> PathBuf {
        match kind {
            Kind::Ours => self.sidecar.clone(),
            Kind::ClientGo => self.folder.join(kind.slug()),
            Kind::Kubert | Kind::KubeLeaderElection => {
                self.folder.join(target()).join("image").join(kind.slug())
            }
        }
    }

    /// A program that can be many members at once.
    pub fn crowd(&self, kind: Kind) -> PathBuf {
        if kind == Kind::Ours { self.members.clone() } else { self.sidecar(kind) }
    }
}

/// Builds client-go's sidecar alone, into an absolute folder, from the root of the checkout. Blocks.
///
/// # Errors
/// Where it does not build.
pub fn client_go(folder: &Path) -> Result<PathBuf> {
    let program = folder.join(Kind::ClientGo.slug());
    let mut go = Command::new("go");
    go.current_dir("bench/peers/client-go")
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-buildvcs=false -trimpath -mod=readonly")
        .args(["build", "-ldflags", "-s -w", "-o"])
        .arg(&program)
        .arg(".");
    run(go)?;
    Ok(program)
}

/// They have a workspace of their own, since they need other versions of kube.
fn build_rust_peers(folder: &Path) -> Result<()> {
    let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", target().to_uppercase().replace('-', "_"));
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir("bench/peers")
        .env(flags, "-C target-feature=+crt-static")
        .args(["build", "--locked", "--profile", "image", "--target", &target(), "--target-dir"])
        .arg(folder);
    run(cargo)
}

fn run(mut command: Command) -> Result<()> {
    let words = format!("{command:?}");
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("wanted to run {words}"))?;
    ensure!(status.success(), "{words} failed with {status}; its words are above");
    Ok(())
}

fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// From the root of the checkout.
const FOLDER: &str = "target/bench";
