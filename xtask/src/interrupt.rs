//! Ctrl-C.

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

/// Does `work` until it is done, or until Ctrl-C or SIGTERM.
///
/// Then it is dropped, and with it the clusters it has started: they are taken down before this
/// returns.
///
/// # Errors
/// Those of `work`, or that it was interrupted.
pub async fn or<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let asked_to_end = received()?;
    tokio::select! {
        result = work => return result,
        () = asked_to_end => eprintln!("interrupted: cleaning up"),
    }
    bail!("interrupted before it was done; whatever it had started is gone again")
}

/// Waits for Ctrl-C or SIGTERM. From this call on neither ends the process by itself.
///
/// # Errors
/// Where the system has no more room for a signal handler.
pub fn received() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
