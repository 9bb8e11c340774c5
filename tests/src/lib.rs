//! What a test on a real cluster needs: a stage of its own, and a pond to observe on it.
//!
//! `cargo xtask test` brings clusters up and runs the tests on them. By hand:
//!
//! ```text
//! cargo xtask up --name ddg-full --install
//! cargo test -p duckduckgoose-tests --test full -- a_killed_sidecar
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`suite`] | lists the tests of a tier and runs them, two at a time or one alone |
//! | [`theatre`] | the cluster that they attach to, with the operator on it |
//! | [`stage`](mod@stage) | one test's namespace, its clients, and what to tell when it fails |
//! | [`pond`] | a `DuckGooseCluster` under observation |
//! | [`eventually`](mod@eventually) | waiting for a condition with a deadline |
//! | [`operator`] | the operator as a process of this machine |
//! | [`interposer`] | a process between operator and API server, for mischief |
//! | [`puppets`] | pods and members that are played |
//! | [`fault`] | a fault that ends with its test |
//! | [`volumes`] | folders of the nodes that pods may claim |
//! | [`ask`] | one question to a sidecar |
//! | [`release`] | the chart with other values, and back |
//! | [`port_forward`] | `kubectl port-forward` |
//! | [`example`] | a program of the pages in `docs/how-to` |
//! | [`page`] | blocks of a page, and its commands typed as they stand there |

pub mod ask;
pub mod births;
pub mod eventually;
pub mod example;
pub mod fault;
pub mod interposed;
pub mod interposer;
pub mod life;
pub mod operator;
pub mod page;
pub mod pond;
pub mod port_forward;
pub mod puppets;
pub mod release;
pub mod requests;
pub mod snapshot;
pub mod stage;
pub mod suite;
pub mod theatre;
pub mod volumes;

pub use self::eventually::eventually;
pub use self::example::Example;
pub use self::interposed::Interposed;
pub use self::operator::Operator;
pub use self::pond::{Pond, Wanted};
pub use self::port_forward::PortForward;
pub use self::stage::Stage;
pub use self::suite::Suite;
