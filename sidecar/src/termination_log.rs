//! Rule 10: each incarnation says who it is before its first write to the Lease,
//! where the kubelet will find it when the process has ended.

use std::path::Path;

use election::record::Incarnation;

/// Writes it, or warns: a death that cannot be confirmed is waited out, which
/// costs time and never safety.
pub fn write(file: &Path, incarnation: &Incarnation) {
    if let Err(error) = std::fs::write(file, incarnation.to_string()) {
        tracing::warn!(
            file = %file.display(),
            %error,
            "cannot write the termination message: should this process die, its Lease is waited out"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_incarnation_replaces_what_the_last_one_wrote() {
        let file = std::env::temp_dir().join(format!("termination-log-{}", std::process::id()));
        let [long, short] = ["pond-0_5ff5_longer", "pond-0_5ff5_a"];
        for text in [long, short] {
            write(&file, &Incarnation::parse(text).unwrap());
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
        std::fs::remove_file(&file).unwrap();
        write(Path::new("/nowhere/at/all"), &Incarnation::parse(short).unwrap());
    }
}
