//! How many files and folders may be watched at a time: kubelets, runtimes and API servers watch
//! their configuration by inotify, and Linux gives each user few instances of it.

use std::fs;

/// Advice where several full clusters at a time would run out of inotify instances: the first to
/// fail is a kubelet that does not start, or an API server that says "too many open files".
///
/// One cluster alone needs 31.
pub fn advice() -> Option<String> {
    about(fs::read_to_string(LIMIT).ok()?.trim().parse().ok()?)
}

fn about(found: u32) -> Option<String> {
    (found < WANTED).then(|| {
        format!(
            "for three full clusters at a time: wanted {WANTED} inotify instances for each user, \
             found {found}; sysctl fs.inotify.max_user_instances={WANTED}"
        )
    })
}

const LIMIT: &str = "/proc/sys/fs/inotify/max_user_instances";

/// Three times 31, as counted on a cluster of three nodes (6 in each kubelet and the API server, 2 in
/// each containerd, 1 in the controller manager), 7 for each light cluster of a test beside them, and
/// as much again: those of a process that was killed are given back late.
const WANTED: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advises_where_there_are_too_few() {
        let advice = about(128).unwrap();
        assert!(advice.contains("found 128"), "{advice}");
        assert!(advice.ends_with("sysctl fs.inotify.max_user_instances=256"), "{advice}");
        assert_eq!(about(256), None);
    }
}
