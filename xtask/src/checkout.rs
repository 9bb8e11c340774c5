//! Where the checkout is.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the checkout that this xtask is of.
///
/// `cargo run` says at run time where the package is: a binary in a shared target folder may have
/// been compiled for another checkout.
pub fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    package.parent().map(Path::to_owned).unwrap_or(package)
}

/// Version of the product, which is the tag of its images.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
