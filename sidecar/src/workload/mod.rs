//! The workload beside this sidecar, where it has a say in the role: it is told
//! when the role comes and goes, and is watched for illness.
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | what the workload is known to have said |
//! | `settings` | what the operator tells of it |
//! | `hooks` | tells it when the role comes and goes |
//! | `health` | finds out whether it is well |
//! | `back_off` | how often the role may be handed over for its sake |
//! | `request` | one request to it |

mod back_off;
mod health;
mod hooks;
pub mod request;
mod settings;

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use api::names::{DUCK, GOOSE};
use election::driver::Elector;

use back_off::BackOff;
pub use health::Watch;
pub use hooks::Attendant;
pub use settings::{HealthCheck, Hooks};

/// What the workload is known to have said.
#[derive(Default)]
pub struct Workload {
    /// Whether it must have accepted a term before this pod says that it leads.
    asked_first: bool,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    /// The term that it has accepted.
    accepted: Option<u64>,
    /// Why it is too ill to lead.
    ill: Option<String>,
    back_off: BackOff,
}

impl Workload {
    /// One that is asked before each term, or not.
    pub fn new(asked_first: bool) -> Workload {
        Workload { asked_first, said: Mutex::default() }
    }

    /// Whether this pod may say that it leads in this term.
    pub fn accepts(&self, term: u64) -> bool {
        !self.asked_first || self.said().accepted == Some(term)
    }

    /// Why it is too ill to lead; `None` while nothing is known against it.
    pub fn ill(&self) -> Option<String> {
        self.said().ill.clone()
    }

    fn accept(&self, term: Option<u64>) {
        self.said().accepted = term;
    }

    /// Whether that is news.
    fn falls_ill(&self, why: Option<String>) -> bool {
        let known = &mut self.said().ill;
        let news = known.is_some() != why.is_some();
        *known = why;
        news
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("nothing panics while it notes what the workload said")
    }
}

/// The election, as far as the workload has a say in it.
pub trait Role: Send + Sync + 'static {
    /// Whether this pod leads, whatever its workload says.
    fn leads(&self) -> bool;
    /// How long nobody else can lead.
    fn lease_left(&self) -> Duration;
    /// Whether another pod is ready to lead.
    fn has_successor(&self) -> bool;
    /// Gives the role up.
    fn hand_over(&self);
    /// Lets others know that they may lead.
    fn permit_release(&self, term: u64);
    /// Lets the operator know why the workload is too ill; `None` once it is not.
    fn report_illness(&self, why: Option<String>);
}

impl Role for Elector {
    fn leads(&self) -> bool {
        self.role() != election::member::Role::Duck
    }
    fn lease_left(&self) -> Duration {
        self.lease_left()
    }
    fn has_successor(&self) -> bool {
        self.has_successor()
    }
    fn hand_over(&self) {
        self.hand_over();
    }
    fn permit_release(&self, term: u64) {
        self.permit_release(term);
    }
    fn report_illness(&self, why: Option<String>) {
        self.report_illness(why);
    }
}

/// Gives the role to another for the workload's sake, where there is another, and not too often;
/// whether it did.
fn give_away(role: &dyn Role, workload: &Workload) -> bool {
    let gives =
        role.has_successor() && workload.said().back_off.allows(tokio::time::Instant::now());
    if gives {
        role.hand_over();
    }
    gives
}

fn word(is_goose: bool) -> &'static str {
    if is_goose { GOOSE } else { DUCK }
}
