//! The workspace's own programs, linked statically for images that have nothing else in them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds a program of the workspace that the current folder is in, and returns its path.
///
/// The target is named explicitly, so that the flags are not for what is built for the host, and
/// neither invalidates the other. Cargo's own progress goes to standard error. Blocks.
///
/// # Errors
/// Where cargo is missing or the build fails.
pub fn static_binary(package: &str, binary: &str) -> Result<PathBuf, Error> {
    static_binary_with(package, binary, &[])
}

/// The same with features of the package. The result is in the same place as the one without them:
/// use it, or copy it, before another is built.
///
/// # Errors
/// As [`static_binary`].
pub fn static_binary_with(
    package: &str,
    binary: &str,
    features: &[&str],
) -> Result<PathBuf, Error> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--profile", "image", "--target", &target])
        .args(["--package", package, "--bin", binary, "--features", &features.join(",")])
        .args(["--message-format", "json-render-diagnostics"])
        .env("CARGO_ENCODED_RUSTFLAGS", flags().join("\u{1f}"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Error::NoCargo)?;
    if !output.status.success() {
        return Err(Error::Build { package: package.to_owned() });
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    executable(&messages, binary)
        .ok_or_else(|| Error::NoBinary { package: package.to_owned(), binary: binary.to_owned() })
}

/// What the compiler is told besides. Panics name files of dependencies: by a path that is the same on
/// each machine, so that the same sources give the same program.
fn flags() -> Vec<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let remap = home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display()));
    let linked = ["-C".to_owned(), "target-feature=+crt-static".to_owned()];
    linked.into_iter().chain(remap).collect()
}

/// Why there is no program.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Cargo did not start.
    #[error("wanted to run cargo, found {0}")]
    NoCargo(#[source] std::io::Error),
    /// The build failed; the compiler has said why on standard error.
    #[error("building {package} failed: see cargo's messages above")]
    Build {
        /// The package.
        package: String,
    },
    /// The build made no such program.
    #[error("wanted the program {binary} from the package {package}, found none")]
    NoBinary {
        /// The package.
        package: String,
        /// The program.
        binary: String,
    },
}

/// Where cargo's messages, one JSON object a line, say that this binary is.
fn executable(messages: &str, binary: &str) -> Option<PathBuf> {
    let messages =
        messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut built = messages.filter(|message| {
        message["reason"] == "compiler-artifact" && message["target"]["name"] == binary
    });
    built.find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_program_among_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"duckgoose"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"duckgoose"},"executable":"/t/duckgoose"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "duckgoose"), Some("/t/duckgoose".into()));
        assert_eq!(executable(messages, "other"), None);
    }
}
