//! Waiting for something to become true.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::process::Process;

/// Asks every 50 ms until the answer is `Ok`. Gives up after `patience`, or at once when the
/// process that it depends on has ended; the error says what was found last.
pub(crate) async fn until<T, Answer: Future<Output = Result<T, String>>>(
    what: &str,
    patience: Duration,
    process: Option<&Process>,
    mut ask: impl FnMut() -> Answer,
) -> Result<T, Error> {
    let until = Instant::now() + patience;
    loop {
        let found = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(found) => found,
        };
        if let Some(process) = process
            && process.identity().is_none()
        {
            return Err(process.failure("has ended"));
        }
        if Instant::now() >= until {
            return Err(match process {
                Some(process) => process
                    .failure(format!("gave no {what} within {} s ({found})", patience.as_secs())),
                None => Error::Timeout { what: what.to_owned(), within: patience, found },
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
