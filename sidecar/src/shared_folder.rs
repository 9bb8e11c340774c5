//! The folder that the sidecar shares with the pod's other containers: this
//! very program is in it, so that they have `duckgoose role` and `duckgoose run`
//! whatever their image is.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Name of the program in the folder.
pub const PROGRAM: &str = "duckgoose";

/// Puts this program there, as a whole: one that runs from the folder already
/// goes on with the file that it has.
///
/// # Errors
/// When the folder cannot be written.
pub fn install(folder: &Path) -> io::Result<()> {
    let next = folder.join(".duckgoose.next");
    fs::copy("/proc/self/exe", &next)?;
    fs::set_permissions(&next, fs::Permissions::from_mode(0o755))?;
    fs::rename(next, folder.join(PROGRAM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_there_and_can_be_executed_also_the_second_time() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            install(folder.path()).unwrap();
            let installed = fs::metadata(folder.path().join(PROGRAM)).unwrap();
            assert_eq!(installed.permissions().mode() & 0o777, 0o755);
            assert_eq!(installed.len(), fs::metadata("/proc/self/exe").unwrap().len());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
