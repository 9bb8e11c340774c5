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
//! | `elector` | the handle: asks and tells the machine, under one lock |
//! | `state` | what is under that lock |
//! | `connection` | how the API server is reached: kube's client, without its retries |
//! | `answer` | what an answer of the API server means, and what its absence does |
//! | `object` | from the API server's object to the machine's Lease, and back |
//! | `event` | what is told for logs and metrics |
//! | `clocks` | one look at the clocks of this machine |
//! | `altered` | a member that is not what ships, for the proof |
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
