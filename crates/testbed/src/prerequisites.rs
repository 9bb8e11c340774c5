//! What the machine must have before a cluster can run on it.

mod inotify;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use self::inotify::advice as inotify_advice;
use crate::plan::Tier;
use crate::progress::Progress;
use crate::tool;

/// Something that the machine lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What was looked for.
    pub what: &'static str,
    /// What it is needed for.
    pub why: &'static str,
    /// What to do about it: mostly a command.
    pub remedy: String,
    /// The Debian package that has it, where there is one that will do.
    pub package: Option<&'static str>,
}

/// Everything that this machine lacks for a cluster of this tier.
pub fn missing(tier: Tier) -> Vec<Missing> {
    let needed = REQUIREMENTS
        .iter()
        .filter(|requirement| requirement.tier == Tier::Light || tier == Tier::Full);
    needed.filter(|requirement| !(requirement.found)()).map(Requirement::missing).collect()
}

/// An error that lists everything missing, if anything is.
///
/// # Errors
/// [`Error::Missing`], with a remedy for each.
pub fn require(tier: Tier) -> Result<(), Error> {
    let missing = missing(tier);
    if missing.is_empty() { Ok(()) } else { Err(Error::Missing { tier, missing }) }
}

/// Installs with apt-get what Debian has of the missing, where this is Debian and we are root, and
/// says so. What it cannot install, is an error that says how.
///
/// Blocks.
///
/// # Errors
/// Where apt-get fails, or something is still missing.
pub fn install(tier: Tier, progress: &Progress) -> Result<(), Error> {
    let packages: Vec<_> = missing(tier).iter().filter_map(|missing| missing.package).collect();
    if !packages.is_empty() && is_root() && Path::new("/etc/debian_version").exists() {
        progress.line(format!("installing with apt-get: {}", packages.join(" ")));
        apt_get(&["update", "-qq"])?;
        apt_get(&[&["install", "-y", "-qq", "--no-install-recommends"], &packages[..]].concat())?;
    }
    require(tier)
}

/// Why a cluster cannot run here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine lacks something.
    #[error("this machine lacks for the {tier} tier:{list}", list = list(missing))]
    Missing {
        /// The tier.
        tier: Tier,
        /// All of it.
        missing: Vec<Missing>,
    },
    /// apt-get did not work.
    #[error("`apt-get {arguments}` failed: {message}")]
    AptGet {
        /// How it was called.
        arguments: String,
        /// What it said.
        message: String,
    },
}

fn list(missing: &[Missing]) -> String {
    let lines = missing
        .iter()
        .map(|missing| format!("\n  {} ({}): {}", missing.what, missing.why, missing.remedy));
    lines.collect()
}

struct Requirement {
    what: &'static str,
    why: &'static str,
    /// The tier that needs it; what the light one needs, the full one needs too.
    tier: Tier,
    /// The Debian package, or else what to do.
    source: Source,
    found: fn() -> bool,
}

enum Source {
    Debian(&'static str),
    Other(&'static str),
}

impl Requirement {
    fn missing(&self) -> Missing {
        let (package, remedy) = match self.source {
            Source::Debian(package) => (Some(package), format!("apt-get install {package}")),
            Source::Other(remedy) => (None, remedy.to_owned()),
        };
        Missing { what: self.what, why: self.why, remedy, package }
    }
}

const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        what: "go 1.26 or later",
        why: "builds Kubernetes and etcd",
        tier: Tier::Light,
        source: Source::Other("install Go from your distribution or go.dev, and put it into PATH"),
        found: go_is_new_enough,
    },
    Requirement {
        what: "gcc",
        why: "links Rust programs, builds runc",
        tier: Tier::Light,
        source: Source::Debian("gcc"),
        found: || has_program("gcc"),
    },
    Requirement {
        what: "root",
        why: "network namespaces and containers",
        tier: Tier::Full,
        source: Source::Other("run it as root, or use the light tier"),
        found: is_root,
    },
    Requirement {
        what: "ip",
        why: "makes the nodes' network namespaces",
        tier: Tier::Full,
        source: Source::Debian("iproute2"),
        found: || has_program("ip"),
    },
    Requirement {
        what: "nsenter",
        why: "starts programs inside them",
        tier: Tier::Full,
        source: Source::Debian("util-linux"),
        found: || has_program("nsenter"),
    },
    Requirement {
        what: "iptables",
        why: "kube-proxy, and the rule that keeps the cluster's packets in",
        tier: Tier::Full,
        source: Source::Debian("iptables"),
        found: || has_program("iptables"),
    },
    Requirement {
        what: "the CNI plugins",
        why: "give pods their addresses",
        tier: Tier::Full,
        source: Source::Debian("containernetworking-plugins"),
        found: || cni_plugins().is_some(),
    },
    Requirement {
        what: "a static busybox",
        why: "becomes the busybox image of sample workloads",
        tier: Tier::Full,
        source: Source::Debian("busybox-static"),
        found: || busybox().is_some(),
    },
    Requirement {
        what: "a static catatonit",
        why: "becomes the pause image",
        tier: Tier::Full,
        source: Source::Debian("catatonit"),
        found: || catatonit().is_some(),
    },
    Requirement {
        what: "curl",
        why: "asks a sidecar as docs/how-to says",
        tier: Tier::Full,
        source: Source::Debian("curl"),
        found: || has_program("curl"),
    },
    Requirement {
        what: "pkg-config",
        why: "builds runc",
        tier: Tier::Full,
        source: Source::Debian("pkg-config"),
        found: || has_program("pkg-config"),
    },
    Requirement {
        what: "seccomp.h",
        why: "builds runc",
        tier: Tier::Full,
        source: Source::Debian("libseccomp-dev"),
        found: || Path::new("/usr/include/seccomp.h").exists(),
    },
];

/// The folder of the CNI plugins: Debian's, or upstream's.
pub(crate) fn cni_plugins() -> Option<PathBuf> {
    let folders = ["/usr/lib/cni", "/opt/cni/bin"].map(PathBuf::from);
    folders.into_iter().find(|folder| {
        ["bridge", "host-local", "loopback", "portmap"]
            .iter()
            .all(|name| folder.join(name).exists())
    })
}

/// A busybox that runs in an empty image.
pub(crate) fn busybox() -> Option<PathBuf> {
    tool::find("busybox").filter(|path| is_static(path))
}

/// catatonit as it runs in an empty image: with `-P` it is the pause program of a pod, which waits,
/// reaps, and ends on SIGTERM.
pub(crate) fn catatonit() -> Option<PathBuf> {
    tool::find("catatonit").filter(|path| is_static(path))
}

fn has_program(name: &str) -> bool {
    tool::find(name).is_some()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A dynamic program names its loader near its beginning.
fn is_static(program: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(program).and_then(|file| file.take(4096).read_to_end(&mut start));
    read.is_ok()
        && start.starts_with(b"\x7fELF")
        && !start.windows(8).any(|bytes| bytes == b"ld-linux")
}

fn go_is_new_enough() -> bool {
    let output = Command::new("go").arg("version").stdin(Stdio::null()).output();
    output.is_ok_and(|output| is_new_enough(&String::from_utf8_lossy(&output.stdout)))
}

/// `go version go1.26.8 linux/amd64`
fn is_new_enough(version: &str) -> bool {
    let numbers = version.split_whitespace().nth(2).and_then(|word| word.strip_prefix("go"));
    let mut numbers =
        numbers.unwrap_or_default().split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (1, 26)
}

fn apt_get(arguments: &[&str]) -> Result<(), Error> {
    let fail = |message: String| Error::AptGet { arguments: arguments.join(" "), message };
    let output = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| fail(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(fail(crate::tail::last_lines(&String::from_utf8_lossy(&output.stderr), 15)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_of_go() {
        assert!(is_new_enough("go version go1.26.8 linux/amd64"));
        assert!(is_new_enough("go version go2.0 linux/amd64"));
        assert!(!is_new_enough("go version go1.19.8 linux/amd64"));
        assert!(!is_new_enough(""));
    }

    #[test]
    fn a_missing_thing_says_what_to_do() {
        let ip = REQUIREMENTS.iter().find(|requirement| requirement.what == "ip").unwrap();
        let error = Error::Missing { tier: Tier::Full, missing: vec![ip.missing()] };
        assert_eq!(
            error.to_string(),
            "this machine lacks for the full tier:\n  ip (makes the nodes' network namespaces): apt-get install iproute2"
        );
    }

    #[test]
    fn tells_a_dynamic_program() {
        let shell = std::fs::canonicalize("/bin/sh").unwrap();
        assert!(!is_static(&shell));
        assert!(!is_static(Path::new("/etc/passwd")));
    }
}
