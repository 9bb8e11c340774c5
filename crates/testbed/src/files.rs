//! Writing a file so that no reader ever sees half of it.

use std::fs;
use std::path::Path;

use crate::error::Error;

/// Writes a file, with the folders above it, and renames it into place.
pub(crate) fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), Error> {
    let unfinished = path.with_extension("unfinished");
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&unfinished, contents))
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(Error::file(path))
}
