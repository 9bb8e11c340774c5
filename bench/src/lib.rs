//! Measures this project's election side by side with others: in one run, on one cluster, taking turns.
//!
//! All of them answer `GET /role` in the same JSON, and [`observer`] asks all of them alike. Each measurement is a
//! function that measures once; [`light`] lets the contenders take turns at it.
//!
//! | module | what it does |
//! |---|---|
//! | [`contender`] | who is measured |
//! | [`programs`] | builds what is measured |
//! | [`group`], [`process`] | three members as processes |
//! | [`our_lease`] | a Lease as our members need it, without an operator |
//! | [`handover`] | SIGTERM to the Goose |
//! | [`killed`] | SIGKILL to the Goose |
//! | [`at_once`] | for how long two were Goose |
//! | [`sample`], [`section`] | what was measured, beside what was aimed at |
//! | [`light`] | what is measured of processes |
//! | [`report`] | a table for the terminal, a part of docs/performance.md |

pub mod at_once;
pub mod contender;
pub mod group;
pub mod handover;
pub mod killed;
pub mod light;
pub mod our_lease;
pub mod process;
pub mod programs;
pub mod report;
pub mod sample;
pub mod section;

use std::time::Duration;

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
