//! Runs a [`Member`](crate::member::Member) against the Lease of a real API server.
//!
//! The driver proper, some 270 lines in all, to be read in this order:
//!
//! | file | what it does |
//! |---|---|
//! | `run` | the loop: does what the machine wants |
//! | `follow` | reads the Lease, and follows it on one watch without a gap |
//! | `calls` | the calls, each with its time-out, on a connection of their own |
//!
//! What it stands on, none of which decides about a role or waits for the Lease:
//!
//! | file | what it is |
//! |---|---|
//! | `elector` | the handle: asks the machine, under one lock; in `elector/driven` the driver tells it |
//! | `state` | what is under that lock |
//! | `connection` | how the API server is reached: kube's client, without its retries |
//! | `answer` | what an answer of the API server means, and what its absence does |
//! | `object` | from the API server's object to the machine's Lease, and back |
//! | `event` | what is told for logs and metrics |
//! | `clocks` | one look at the clocks of this machine |
//! | `altered` | a member that is not what ships, for the proof |
//!
//! ```no_run
//! use duckduckgoose_election::driver::{Elector, Settings, incarnation, jitter};
//! use duckduckgoose_election::member::{Config, Role};
//! use duckduckgoose_election::timing::Timing;
//! use std::time::Duration;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! // The pod's own name and uid, from the downward API.
//! let me = incarnation(&std::env::var("POD_NAME")?, &std::env::var("POD_UID")?)?;
//! let elector = Elector::join(Settings {
//!     namespace: "default".into(),
//!     lease: "pond".into(),
//!     member: Config { me, timing: Timing::default(), jitter: jitter() },
//! });
//! // Asked anew each time: an answer is true for its moment.
//! if let Role::Goose { term } = elector.role() {
//!     // Fence with the term whatever is written now.
//! }
//! // Ends, and lets somebody else lead at once.
//! elector.shut_down(Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```
//!
//! There is no flag that says who is Goose, and no cached role: each answer
//! asks the machine, with clocks that the asking thread has just read (rule 2).

#[cfg(feature = "mutations")]
mod altered;
mod answer;
mod calls;
mod clocks;
mod connection;
mod elector;
mod event;
mod follow;
mod object;
mod run;
mod state;

pub use clocks::{clocks, incarnation, jitter};
pub use connection::{Access, client};
pub use elector::{Elector, Settings};
pub use event::{Event, WriteFailure};
