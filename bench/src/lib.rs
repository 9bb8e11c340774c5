//! Measures this project's election side by side with others: in one run, on one cluster, taking turns.
//!
//! All of them answer `GET /role` in the same JSON, and [`observer`] asks all of them alike. Each measurement is a
//! function that measures once; [`light`] and [`full`] let the contenders take turns at it.
//!
//! | module | what it does |
//! |---|---|
//! | [`contender`] | who is measured |
//! | [`programs`] | builds what is measured |
//! | [`light`] | what is measured of processes, on a cluster without nodes |
//! | [`full`] | what is measured of pods, on a cluster with nodes |
//! | [`group`], [`process`], [`our_lease`] | three members as processes, on a Lease that no operator makes |
//! | [`pods`], [`manifests`] | three members as pods |
//! | [`crowd`] | up to a thousand members in few processes |
//! | [`handover`], [`killed`] | SIGTERM and SIGKILL to the Goose's process |
//! | [`faults`], [`service`] | what happens to the Goose's pod, and where its Service leads then |
//! | [`at_rest`], [`requests`], [`usage`] | what is used while nothing happens |
//! | [`at_once`] | for how long two were Goose |
//! | [`sample`], [`section`] | what was measured, beside what was aimed at |
//! | [`report`], [`chart`] | it as a part of a document |
//! | [`measurement`], [`machine`] | what can be measured, by name; on what |

pub mod at_once;
pub mod at_rest;
pub mod chart;
pub mod contender;
pub mod crowd;
pub mod faults;
pub mod full;
pub mod group;
pub mod handover;
pub mod killed;
pub mod light;
pub mod machine;
pub mod manifests;
pub mod measurement;
pub mod our_lease;
pub mod pods;
pub mod process;
pub mod programs;
pub mod report;
pub mod requests;
pub mod sample;
pub mod section;
pub mod service;
pub mod usage;

use std::time::Duration;

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
