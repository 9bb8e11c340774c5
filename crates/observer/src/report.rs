//! What to tell people of a history that went wrong.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use history::History;

use crate::error::Error;

/// Judges a history: never two Geese, never two pods with the Goose's label.
///
/// # Errors
/// Where there were: with what is proven, the part of the history around it, and the file below
/// `folder` that all of it is in.
pub fn judge(history: &History, name: &str, folder: &Path) -> Result<(), Error> {
    let verdict = history.verdict();
    if verdict.is_good() {
        return Ok(());
    }
    let file = write(history, name, folder)?;
    let mut text = String::new();
    for (at, finding) in verdict.findings().take(MOST_FINDINGS) {
        let _ = writeln!(text, "{finding}\n{}", history.excerpt(at, MARGIN));
    }
    let _ = write!(text, "the whole history: {}", file.display());
    Err(Error::Judged(text))
}

/// Writes a history to a file below `folder`, as JSON.
///
/// # Errors
/// Where it cannot be written.
pub fn write(history: &History, name: &str, folder: &Path) -> Result<PathBuf, Error> {
    let path = folder.join(format!("{name}.json"));
    let json = serde_json::to_vec(history).expect("a history is plain data");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, json));
    written.map_err(|source| Error::File { path: path.clone(), source })?;
    Ok(path)
}

const MOST_FINDINGS: usize = 3;

/// Before and after a finding.
const MARGIN: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use history::{Answer, Said};

    use super::*;

    fn two_geese() -> History {
        let said = |member: &str, term, asked| Answer {
            member: member.into(),
            pod: member.into(),
            said: Said::Goose { term },
            asked: Duration::from_millis(asked),
            answered: Duration::from_millis(asked + 2),
        };
        let answers = vec![said("pond-0", 5, 0), said("pond-1", 9, 10), said("pond-0", 5, 20)];
        History { answers, ..History::default() }
    }

    #[test]
    fn two_geese_are_told_with_an_excerpt_and_the_whole_is_kept() {
        let folder = std::env::temp_dir().join(format!("observer-{}", std::process::id()));
        assert!(judge(&History::default(), "good", &folder).is_ok());
        let told = judge(&two_geese(), "bad", &folder).unwrap_err().to_string();
        assert!(told.starts_with("two Geese at one time: pond-0 in term 5"), "{told}");
        assert!(told.contains("pond-1               says goose in term 9"), "{told}");
        let file = folder.join("bad.json");
        assert!(told.contains(&file.display().to_string()), "{told}");
        let kept = serde_json::from_slice::<History>(&fs::read(file).unwrap()).unwrap();
        assert_eq!(kept, two_geese());
        fs::remove_dir_all(folder).unwrap();
    }
}
