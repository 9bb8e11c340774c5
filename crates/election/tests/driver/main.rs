//! The driver's life, against an API server on loopback that does what a test
//! wants: real HTTPS and real clocks, one Lease.

mod faults;
mod identity;
mod pond;
mod rotation;
mod server;
