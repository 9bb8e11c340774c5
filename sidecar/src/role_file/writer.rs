//! Replaces the file as a whole, and has a lock on it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Content, NAME};

/// The one that writes the file of a folder. Its lock ends with it, or with its
/// process.
pub struct Writer {
    folder: PathBuf,
    /// The file as it stands, locked.
    current: Option<File>,
}

impl Writer {
    /// Has written nothing yet: until it does, what its predecessor has left is
    /// without a lock.
    pub fn new(folder: &Path) -> Writer {
        Writer { folder: folder.to_owned(), current: None }
    }

    /// Writes a new file, locks it, and puts it in place of the last one: no
    /// reader sees half of it, nor one without a lock.
    ///
    /// # Errors
    /// When the folder cannot be written. Then the last file has no lock any
    /// more: better no word than an old one.
    pub fn write(&mut self, content: &Content) -> io::Result<()> {
        let last = self.current.take();
        let file = self.next()?;
        (&file).write_all(content.to_string().as_bytes())?;
        file.try_lock()?;
        fs::rename(self.next_path(), self.folder.join(NAME))?;
        self.current = Some(file);
        drop(last);
        Ok(())
    }

    fn next(&self) -> io::Result<File> {
        let path = self.next_path();
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        // New, so that it is no link to somewhere else.
        OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)
    }

    fn next_path(&self) -> PathBuf {
        self.folder.join(".role.next")
    }
}
