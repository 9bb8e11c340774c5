//! Runs a [`Member`](crate::member::Member) against the Lease of a real API server.
//!
//! | file | what it does |
//! |---|---|
//! | `elector` | the handle: asks and tells the machine, under one lock |
//! | `run` | the loop: does what the machine wants |
//! | `follow` | reads the Lease, and follows it on one watch without a gap |
//! | `client` | the calls, each with its time-out, on connections of its own |
//! | `object` | from the API server's object to the machine's Lease, and back |
//! | `clocks` | one look at the clocks of this machine |
//!
//! There is no flag that says who is Goose, and no cached role: each answer
//! asks the machine, with clocks that the asking thread has just read (rule 2).

mod client;
mod clocks;
mod elector;
mod follow;
mod object;
mod run;

pub use client::client;
pub use clocks::{clocks, incarnation, jitter};
pub use elector::{Elector, Event, Settings, WriteFailure};
