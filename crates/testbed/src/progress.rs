//! Lines that tell a person what is going on.

use std::fmt;
use std::sync::Arc;

/// Where progress lines go. Cheap to clone.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&str) + Send + Sync>);

impl Progress {
    /// Each line to standard error.
    pub fn stderr() -> Self {
        Self::to(|line| eprintln!("{line}"))
    }

    /// Nothing is told.
    pub fn quiet() -> Self {
        Self::to(|_| ())
    }

    /// Each line to a function of yours.
    pub fn to(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells one line.
    pub fn line(&self, line: impl AsRef<str>) {
        (self.0)(line.as_ref());
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::stderr()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
