//! Commands of the system that do one thing and end.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::Error;

/// Runs a command and returns what it wrote; an error has what it complained about. Blocks.
pub(crate) fn run<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: &[S],
) -> Result<String, Error> {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).env("PATH", search_path()).stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|source| Error::Spawn { program: program.as_ref().into(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = std::iter::once(program.as_ref()).chain(arguments.iter().map(AsRef::as_ref));
    let command = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let message = crate::tail::last_lines(&String::from_utf8_lossy(&output.stderr), 15);
    Err(Error::Command { command, message })
}

/// `run` with the words of one line, for commands whose words have no blanks.
pub(crate) fn run_line(line: &str) -> Result<String, Error> {
    let words: Vec<_> = line.split_whitespace().collect();
    run(words[0], &words[1..])
}

/// Where a program is, if it is there.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// `PATH` with the system's folders, which an ordinary user's may lack.
pub(crate) fn search_path() -> OsString {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::join_paths(std::env::split_paths(&own).chain(system)).unwrap_or(own)
}
