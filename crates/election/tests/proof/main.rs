//! The election's proof, with the machines that ship: stories told as text, and
//! simulation by seed, in one small world.

mod fuzz;
mod model;
mod simulation;
mod stories;
mod world;

/// Faster by half than the system's, where states come and go by the million.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
