//! Where those who ask write and those who wait look.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::error::Error;
use crate::seen::Seen;

pub(crate) struct Board {
    seen: Mutex<Seen>,
    news: watch::Sender<()>,
}

impl Board {
    pub fn new() -> Self {
        Self { seen: Mutex::default(), news: watch::Sender::new(()) }
    }

    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.lock())
    }

    /// Writes down something that may be news.
    pub fn note(&self, note: impl FnOnce(&mut Seen) -> bool) {
        let news = note(&mut self.lock());
        if news {
            self.news.send_replace(());
        }
    }

    /// Leaves nothing behind.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut self.lock())
    }

    pub async fn until<T>(
        &self,
        wanted: &str,
        within: Duration,
        mut look: impl FnMut(&Seen) -> Option<T>,
    ) -> Result<T, Error> {
        let mut news = self.news.subscribe();
        let found = async {
            loop {
                news.borrow_and_update();
                if let Some(found) = self.look(&mut look) {
                    return found;
                }
                // Not only on news: an answer also grows old.
                let _ = tokio::time::timeout(LOOK_AGAIN, news.changed()).await;
            }
        };
        tokio::time::timeout(within, found).await.map_err(|_| Error::Timeout {
            wanted: wanted.to_owned(),
            within,
            found: self.look(Seen::describe),
        })
    }

    /// Whoever panicked while looking has changed nothing.
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(100);
