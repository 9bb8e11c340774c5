//! SIGTERM and SIGINT.

use std::io;

use tokio::signal::unix::{SignalKind, signal as listen};
use tokio::sync::watch;

/// Becomes true when the process is to end.
pub type Terminated = watch::Receiver<bool>;

/// Listens for the signals from now on.
///
/// # Errors
/// When the system lets no more signals be listened for.
pub fn signal() -> io::Result<Terminated> {
    let (mut term, mut int) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => (),
            _ = int.recv() => (),
        }
        tracing::info!("asked to end: finishing what is begun");
        sender.send_replace(true);
        // Kept, so that whoever waits is told and not cut off.
        sender.closed().await;
    });
    Ok(receiver)
}

/// Returns when the process is to end.
pub async fn wait(mut terminated: Terminated) {
    // An error means that nobody listens for signals any more, which is an end, too.
    let _ = terminated.wait_for(|&terminated| terminated).await;
}
