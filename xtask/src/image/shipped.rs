//! What ships has no rule that can be switched off.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use election::MUTATIONS_MARKER;

/// Whether the rules of the election can be switched off in this program: whether it was built with
/// the feature `mutations`, which is for the proof alone.
///
/// # Errors
/// Where the program cannot be read.
pub fn has_switches(program: &Path) -> Result<bool> {
    let bytes = fs::read(program).with_context(|| format!("wanted {}", program.display()))?;
    Ok(contains(&bytes, MUTATIONS_MARKER.as_bytes()))
}

/// Refuses a program in which they can be.
///
/// # Errors
/// Where they can be, or the program cannot be read.
pub fn require_none(program: &Path) -> Result<()> {
    ensure!(
        !has_switches(program)?,
        "wanted a program whose rules stand fast, found one that was built with the feature \
         `mutations`: {}; build it again, with nothing else building",
        program.display()
    );
    Ok(())
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_program_with_the_marker_from_one_without() {
        let folder = std::env::temp_dir().join(format!("duckgoose-{}", std::process::id()));
        let with = [b"\x7fELF", MUTATIONS_MARKER.as_bytes(), b"\0"].concat();
        for (program, wanted) in [(&with[..], true), (&with[1..30], false)] {
            fs::write(&folder, program).unwrap();
            assert_eq!(has_switches(&folder).unwrap(), wanted);
            assert_eq!(require_none(&folder).is_err(), wanted);
        }
        fs::remove_file(&folder).unwrap();
    }
}
