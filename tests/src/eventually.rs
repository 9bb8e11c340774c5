//! Waiting for a condition with a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Asks every 50 ms until there is an answer that is `Ok`.
///
/// # Errors
/// When `patience` has run out: says what was wanted, and the last that was found.
pub async fn eventually<T>(
    wanted: &str,
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(found) if Instant::now() >= deadline => {
                bail!("wanted {wanted} within {} s, found {found:#}", patience.as_secs())
            }
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

const AGAIN: Duration = Duration::from_millis(50);
