//! The decisions: pure functions from what is and what is wanted to what is to be done.
//!
//! Nothing in here calls the API server or reads a clock; `reconcile` carries the decisions out.

pub mod access;
pub mod availability;
pub mod death;
pub mod disruption;
pub mod handover;
pub mod happening;
pub mod history;
pub mod hooks;
pub mod illness;
pub mod interregnum;
pub mod labels;
pub mod lease;
pub mod longest;
pub mod object;
pub mod own_lease;
pub mod owner;
pub mod pods;
pub mod ports;
pub mod preference;
pub mod problem;
pub mod progress;
pub mod request;
pub mod rollout;
pub mod service;
pub mod sharing;
pub mod sidecar;
pub mod status;
pub mod succession;
pub mod traffic;
pub mod trouble;
pub mod upgrade;
pub mod workload;
