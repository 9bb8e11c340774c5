//! Reads the file, and checks all that makes it valid.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use election::clock::Reading;

use super::{Content, Hold};

/// What the file tells at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The pod is the Goose while the hold lasts.
    Goose(Hold),
    /// It is a Duck.
    Duck,
    /// Nothing that could be believed, and why.
    Unknown(String),
}

/// Reads the file. The clocks are looked at last, so that a process that was
/// stopped here believes no hold that has ended meanwhile.
pub fn read(path: &Path, clocks: impl FnOnce() -> Reading) -> Told {
    match read_locked(path) {
        Ok(Some(text)) => judge(&text, &clocks()),
        Ok(None) => Told::Unknown("its writer, the sidecar, does not run any more".to_owned()),
        Err(error) => Told::Unknown(format!("cannot read {}: {error}", path.display())),
    }
}

fn judge(text: &str, now: &Reading) -> Told {
    match Content::parse(text) {
        Some(Content::Duck) => Told::Duck,
        Some(Content::Goose(hold)) if !hold.left(now).is_zero() => Told::Goose(hold),
        Some(Content::Goose(_)) => Told::Unknown(
            "its hold has ended: the sidecar is frozen, or cannot renew the Lease".to_owned(),
        ),
        None => Told::Unknown("wanted the lines of a role file, found something else".to_owned()),
    }
}

/// The text of a file that a writer has a lock on; `None` when none has.
fn read_locked(path: &Path) -> io::Result<Option<String>> {
    for _ in 0..TRIES {
        let mut file = File::open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => return Ok(Some(text)),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        // It was perhaps replaced after it had been opened; then the new one counts.
        let (opened, there) = (file.metadata()?, fs::metadata(path)?);
        if (opened.dev(), opened.ino()) == (there.dev(), there.ino()) {
            return Ok(None);
        }
    }
    Ok(None)
}

/// A writer replaces the file some times a second at the most.
const TRIES: usize = 5;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use election::driver::clocks;

    use super::super::{NAME, Writer};
    use super::*;

    fn goose(length: Duration) -> Content {
        Content::Goose(Hold::from(&clocks(), 812, length))
    }

    #[test]
    fn a_file_is_believed_while_its_writer_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        assert!(matches!(read(&path, clocks), Told::Unknown(why) if why.contains("cannot read")));

        let mut writer = Writer::new(folder.path());
        writer.write(&Content::Duck).unwrap();
        assert_eq!(read(&path, clocks), Told::Duck);
        writer.write(&goose(Duration::from_secs(60))).unwrap();
        assert!(matches!(read(&path, clocks), Told::Goose(Hold { term: 812, .. })));
        assert!(matches!(read(&path, clocks), Told::Goose(_)), "reading it changes nothing");

        drop(writer);
        assert!(matches!(read(&path, clocks), Told::Unknown(why) if why.contains("does not run")));
        assert!(fs::read_to_string(&path).unwrap().contains("role=goose"));
    }

    #[test]
    fn a_hold_that_has_ended_is_not_believed_though_its_writer_lives() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(folder.path());
        writer.write(&goose(Duration::ZERO)).unwrap();
        let told = read(&folder.path().join(NAME), clocks);
        assert!(matches!(told, Told::Unknown(why) if why.contains("hold has ended")));
    }

    #[test]
    fn a_writer_that_cannot_write_leaves_no_valid_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let mut writer = Writer::new(folder.path());
        writer.write(&goose(Duration::from_secs(60))).unwrap();
        // What cannot be removed as a file cannot be replaced either.
        fs::create_dir(folder.path().join(".role.next")).unwrap();
        assert!(writer.write(&Content::Duck).is_err());
        assert!(matches!(read(&path, clocks), Told::Unknown(_)));
    }
}
