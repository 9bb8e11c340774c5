//! Leader election on a Kubernetes Lease: never two leaders.
//!
//! The election is a pure state machine, [`member::Member`]: what was seen and
//! what the clocks say goes in, what is to be written comes out. It reads no
//! clock, does no I/O and holds no lock, so that what is checked is what ships.
//! The rules it follows are numbered; `docs/safety.md` has the list.
//!
//! | module | what it holds |
//! |---|---|
//! | [`member`] | the state machine |
//! | [`keeper`] | the machine of whoever keeps the Lease: stamp, quarantine, orders, confirmed deaths |
//! | [`lease`], [`record`] | the wire format |
//! | [`timing`] | every span, from two numbers |
//! | [`clock`] | one look at the clocks, and instants on them |
//! | [`memory`] | a Lease in memory |
//! | `driver` | with the feature `kube`: runs a member against a real API server |
//!
//! # Three tasks, without Kubernetes
//!
//! ```
//!
#![doc = include_str!("../examples/three_tasks.rs")]
//! ```
//!
//! # What it does not guarantee
//!
//! - One assumption about time: over one lease the raw rates of two members'
//!   clocks differ by less than 1 %. Clock values are never compared between
//!   machines.
//! - [`role_at`](member::Member::role_at) is true for the moment it was asked
//!   for. A process that is frozen between the question and the act acts late:
//!   ask for a hold, and fence what you write with the term.
//! - Terms rise as long as the API server's resourceVersions do: a restored
//!   etcd, or another API server, sets them back.
//! - Whoever has permission to write the Lease can forge a record.

#[cfg(feature = "mutations")]
pub mod canonical;
pub mod clock;
#[cfg(feature = "kube")]
pub mod driver;
pub mod keeper;
pub mod lease;
pub mod member;
pub mod memory;
#[cfg(feature = "mutations")]
pub mod mutation;
#[cfg(not(feature = "mutations"))]
mod mutation;
pub mod record;
pub mod timing;

#[doc(hidden)]
pub use mutation::MARKER as MUTATIONS_MARKER;
