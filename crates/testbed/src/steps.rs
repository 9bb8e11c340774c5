//! Named steps with their time, one progress line each.

use std::time::Instant;

use crate::error::Error;
use crate::progress::Progress;

pub(crate) struct Steps {
    progress: Progress,
}

impl Steps {
    pub fn new(progress: &Progress) -> Self {
        Self { progress: progress.clone() }
    }

    /// Does one step. Its error says which step it was.
    pub async fn run<T>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let done = work
            .await
            .map_err(|source| Error::Step { step: name.to_owned(), source: Box::new(source) })?;
        self.progress.line(format!("  {name} ({} ms)", started.elapsed().as_millis()));
        Ok(done)
    }
}
