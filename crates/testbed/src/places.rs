//! Where things are kept, always outside the checkout.

use std::env;
use std::path::PathBuf;

/// Built programs and images: `$DUCKGOOSE_CACHE`, else `$XDG_CACHE_HOME/duckduckgoose`,
/// else `~/.cache/duckduckgoose`.
pub fn cache() -> PathBuf {
    folder(env::var_os("DUCKGOOSE_CACHE").map(PathBuf::from), "XDG_CACHE_HOME", ".cache")
}

/// One folder per running cluster: `$DUCKGOOSE_STATE`, else `$XDG_STATE_HOME/duckduckgoose`,
/// else `~/.local/state/duckduckgoose`.
///
/// Keep it short: there are Unix sockets below it, whose paths the kernel limits to 108 bytes.
pub fn state() -> PathBuf {
    folder(env::var_os("DUCKGOOSE_STATE").map(PathBuf::from), "XDG_STATE_HOME", ".local/state")
}

fn folder(ours: Option<PathBuf>, base_variable: &str, below_home: &str) -> PathBuf {
    if let Some(ours) = ours {
        return ours;
    }
    let base = env::var_os(base_variable)
        .map(PathBuf::from)
        .unwrap_or_else(|| env::home_dir().unwrap_or_else(env::temp_dir).join(below_home));
    base.join("duckduckgoose")
}
