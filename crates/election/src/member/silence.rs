//! A watch that is silent may be broken without knowing it: when to look.

use std::time::Duration;

use crate::clock::{Instant, Reading};

/// When the Lease was last heard of, and when to look whether the watch still
/// lives: by this timer, and not by a short time-out of the watch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Silence {
    heard: Option<Instant>,
    look_at: Option<Instant>,
    patience: Duration,
    /// Thousandths: spreads the members that would all look at one time.
    jitter: u16,
}

impl Silence {
    /// Nothing was heard yet. `usual` is how long silence is normal.
    pub fn new(usual: Duration, jitter: u16) -> Silence {
        Silence { heard: None, look_at: None, patience: usual, jitter }
    }

    /// Something happened to the Lease: patience is what it usually is.
    pub fn broken(&mut self, now: &Reading, usual: Duration) {
        self.patience = usual;
        self.confirmed(now);
    }

    /// The Lease was read, and nothing has happened to it.
    pub fn confirmed(&mut self, now: &Reading) {
        self.heard = Some(now.instant());
        self.look_again(now);
    }

    /// There is a newer version, most likely on its way: if it does not come
    /// soon, the watch is broken.
    pub fn look_soon(&mut self, now: &Reading, pause: Duration) {
        let soon = now.after(pause);
        self.look_at = Some(self.look_at.map_or(soon, |at| at.earlier(soon)));
    }

    /// Whether to look now. If so, the next look comes after the usual time
    /// where somebody ought to renew; where nobody does, silence is normal, and
    /// patience grows.
    pub fn is_suspicious(&mut self, now: &Reading, usual: Duration, held: bool) -> bool {
        let due = self.look_at.is_some_and(|at| at.reached_on_either(now));
        if due {
            self.patience = if held { usual } else { (self.patience * 2).min(LONGEST_PATIENCE) };
            self.look_again(now);
        }
        due
    }

    /// After how long to look; `None` before anything was ever heard.
    pub fn wake(&self, now: &Reading) -> Option<Duration> {
        self.look_at.map(|at| at.until_either(now))
    }

    /// How long ago the Lease was last heard of; `None` when it never was.
    pub fn heard_ago(&self, now: &Reading) -> Option<Duration> {
        self.heard.map(|heard| now.since(heard))
    }

    fn look_again(&mut self, now: &Reading) {
        let spread = self.patience * u32::from(self.jitter) / 4000;
        self.look_at = Some(now.after(self.patience + spread));
    }
}

/// While nobody holds the Lease, a look at it at least this often.
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);
