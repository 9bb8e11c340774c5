//! Running something inside a network namespace.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The file that names a network namespace.
pub(crate) fn path(namespace: &str) -> PathBuf {
    PathBuf::from("/run/netns").join(namespace)
}

/// Runs `work` on a new thread that has entered the namespace, and waits for it.
///
/// Sockets that it opens stay in the namespace, also when they are used elsewhere later.
///
/// # Panics
/// Where `work` does.
pub(crate) fn inside<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    let namespace = File::open(path(namespace))?;
    // A thread of its own: a namespace belongs to a thread, and there is no way back from a panic.
    let result = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(work())
        });
        worker.join()
    });
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
