//! What is mounted.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// A mounted file system.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub point: PathBuf,
    /// Such as `overlay` or `cgroup2`.
    pub kind: String,
}

/// All that are mounted now, in the order in which they were.
pub(crate) fn all() -> Vec<Mount> {
    let text = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    text.lines().filter_map(parse).collect()
}

/// `overlay /path overlay rw 0 0`
fn parse(line: &str) -> Option<Mount> {
    let mut fields = line.split(' ').skip(1);
    Some(Mount { point: unescape(fields.next()?), kind: fields.next()?.to_owned() })
}

/// Blanks and the like stand as three octal digits after a backslash (proc_pid_mounts(5)).
fn unescape(field: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_mount_with_a_blank_in_its_path() {
        let mount = parse(r"tmpfs /run/a\040b/c tmpfs rw,relatime 0 0").unwrap();
        assert_eq!(mount, Mount { point: "/run/a b/c".into(), kind: "tmpfs".to_owned() });
    }
}
