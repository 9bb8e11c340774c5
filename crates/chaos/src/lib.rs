//! Tries to get two Geese out of a real cluster, and judges what it saw.
//!
//! A run is a schedule of rounds, drawn by a seed: one to three [faults](fault) at a time, then a
//! rest. Meanwhile every member is asked for its role 200 times a second, also from inside a node
//! that is cut off. What was seen is judged afterwards, by the answers alone and without the cluster:
//! so a run that was kept in a folder can be judged again.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cast`] | whose election is put to the test: ours, or a peer's |
//! | [`fault`] | the faults that there are, and how soon there must be a Goose after each |
//! | [`schedule`] | which faults come when: all of it follows from a seed |
//! | [`scene`] | the cluster that is disturbed, and how to lay hands on it |
//! | `faults` | what each fault does |
//! | [`run`](run()) | round by round: faults, heal, a Goose again, rest |
//! | [`record`] | what is written down of a run, and the folder that it is kept in |
//! | [`verdict`] | what a run proves |
//! | [`table`] | the figures, fault by fault |
//! | [`proof`] | electors that are known to be bad, and the faults that show it |

pub mod cast;
pub mod fault;
mod faults;
pub mod proof;
pub mod record;
mod run;
pub mod scene;
pub mod schedule;
pub mod table;
pub mod verdict;

pub use self::cast::Cast;
pub use self::fault::Fault;
pub use self::record::Record;
pub use self::run::{Plan, run};
pub use self::verdict::Verdict;
