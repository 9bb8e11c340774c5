//! Asks every member of a cluster for its role, all the time, and watches labels and the Lease.
//!
//! ```no_run
//! # async fn example(cluster: &testbed::Cluster) -> Result<(), observer::Error> {
//! use std::time::Duration;
//! use observer::{Observer, Scope};
//!
//! let mut observer = Observer::start(Scope::of_testbed(cluster, "default", "pond")).await?;
//! let goose = observer.goose(Duration::from_secs(10)).await?;
//! let next = observer.goose_after(goose.term, Duration::from_secs(10)).await?;
//! println!("{} follows {}", next.pod, goose.pod);
//! assert!(observer.stop().verdict().is_good());
//! # Ok(())
//! # }
//! ```
//!
//! All times are on one clock of this host, from the observer's start: also those of members whose
//! node is cut off, which are asked from inside it. It runs on a thread of its own, so that what
//! else a test does delays no question.
//!
//! | module | what it does |
//! |---|---|
//! | [`observer`](Observer) | starts and stops it all; what can be waited for |
//! | [`scope`](Scope) | whom to observe |
//! | [`way`](Way) | how to get to a member |
//! | `asker` | asks one member over a kept connection |
//! | `pods` | follows the pods: new ones are asked, their labels noted |
//! | `lease` | follows the Lease |
//! | [`seen`](Seen) | what is known so far |
//! | [`report`] | what to tell people of a history that went wrong |

mod asker;
mod board;
mod clock;
mod error;
mod lease;
mod observer;
mod pods;
pub mod report;
mod scope;
mod seen;
mod way;

pub use self::error::Error;
pub use self::observer::Observer;
pub use self::scope::Scope;
pub use self::seen::{Goose, Member, Seen};
pub use self::way::{FindWay, Way};
