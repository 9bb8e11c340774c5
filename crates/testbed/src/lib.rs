//! Real Kubernetes on one machine, for tests and the demo.
//!
//! ```no_run
//! # async fn example() -> Result<(), testbed::Error> {
//! use testbed::{Cluster, Options};
//!
//! let cluster = Cluster::start(Options::full("pond")).await?;
//! let client = cluster.client().await?; // a kube::Client
//! cluster.node("n1")?.cut()?; // nothing goes in or out
//! cluster.node("n1")?.heal()?;
//! cluster.pod("default", "pond-0")?.kill("duckgoose")?; // SIGKILL, the kubelet restarts it
//! cluster.apiserver().stop().await?;
//! cluster.apiserver().start().await?;
//! cluster.down().await?; // or by dropping it, also after a panic
//! # Ok(())
//! # }
//! ```
//!
//! Two tiers ([`Tier`]): the light one is etcd, kube-apiserver and kube-controller-manager on
//! loopback, up in seconds, without root. The full one has nodes: containerd, kubelet and
//! kube-proxy, each node in a network namespace of its own without a way out. Nothing is
//! downloaded but Go modules: [`programs`] builds all of it once into a cache.
//!
//! | module or type | what it does |
//! |---|---|
//! | [`Cluster`], [`Options`] | start, attach to, keep and take down a cluster; its kubeconfig and client |
//! | [`down`] | takes down a cluster of any process, also a crashed one |
//! | [`Node`], [`Pod`], [`Component`], [`Detour`] | faults |
//! | [`PretendKubelet`] | on the light tier: the sidecar of each pod as a host process |
//! | [`image`], [`static_binary`](static_binary()) | images without a container engine |
//! | [`prerequisites`] | what the machine lacks, and installing it |
//! | [`programs`] | building Kubernetes, etcd, containerd, runc and helm |
//!
//! Several clusters run at once: names, addresses and ports follow from an index that each claims.
//! Everything that a cluster writes is below [`places::state`], everything built below
//! [`places::cache`]; both are outside the checkout.

mod claims;
mod cluster;
mod component;
mod control_plane;
mod detour;
mod error;
mod etcd;
mod files;
mod full;
mod identity;
pub mod image;
mod images;
mod kubeconfig;
mod light;
mod mounts;
mod netns;
mod node;
mod pki;
pub mod places;
mod plan;
mod pod;
pub mod prerequisites;
mod pretend;
mod process;
pub mod programs;
mod progress;
mod rotation;
mod static_binary;
mod steps;
mod tail;
mod teardown;
mod tool;
mod wait;

pub use self::cluster::{Cluster, Options, Status, down};
pub use self::component::Component;
pub use self::detour::Detour;
pub use self::error::Error;
pub use self::full::Packets;
pub use self::image::Image;
pub use self::images::BUSYBOX;
pub use self::node::Node;
pub use self::plan::Tier;
pub use self::pod::{Container, Pod};
pub use self::pretend::PretendKubelet;
pub use self::programs::Release;
pub use self::progress::Progress;
pub use self::static_binary::{Error as StaticBinaryError, static_binary, static_binary_with};
