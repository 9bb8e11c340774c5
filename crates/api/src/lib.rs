//! The `DuckGooseCluster` custom resource, its labels, annotations and names: no logic.

pub mod names;
