//! What can be typed after `cargo xtask`.

use std::path::PathBuf;

use bench::measurement::Measurement;
use chaos::Fault;
use clap::{Args, Parser, Subcommand};
use testbed::{Release, Tier};

use crate::chaos::Elector;
use crate::demo::Lifetime;

/// One pod is the Goose, all others are Ducks: see it, test it, play with it.
///
/// Everything runs on this machine, on a real Kubernetes that is built here once (about ten
/// minutes on two cores) and kept in ~/.cache/duckduckgoose. Nothing else is touched: clusters live
/// in network namespaces of their own, without a way out.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// The tasks.
#[derive(Subcommand)]
pub enum Task {
    /// Start here: a three-node Kubernetes, three pods, and what happens when the Goose dies
    Demo(DemoOptions),
    /// Run all checks and all tests, as CI does
    Test(TestOptions),
    /// Try to get two Geese out of a real cluster: faults at random by a seed, judged by what was seen
    Chaos(ChaosOptions),
    /// Measure our election side by side with others
    Bench(BenchOptions),
    /// Measure the sidecar's HTTP under load, beside a bare axum, and with a crowd of bad clients
    Load(LoadOptions),
    /// Look for two Geese in every order of events, by model check of the code that ships
    Model(ModelOptions),
    /// Start a Kubernetes cluster on this machine and leave it running
    Up(UpOptions),
    /// Take a cluster down that `up` or `demo` has left running
    Down {
        /// Name of the cluster
        #[arg(long, default_value = UP_NAME)]
        name: String,
    },
    /// List the clusters that run on this machine
    Status,
    /// Build the container images, without a container engine, into target/images
    Image,
    /// Write the files that are generated from others: the CustomResourceDefinition, install.yaml
    Crd {
        /// Write nothing: fail where a file is not what it should be
        #[arg(long)]
        check: bool,
    },
    /// Check the documents: links, commands, a page for each alert and reason, values of the chart
    Docs,
    /// Install what this machine lacks for the clusters (Debian, as root), or say what that is
    Prepare {
        /// Only what the light tier needs
        #[arg(long)]
        light: bool,
    },
}

/// Options of `demo`.
///
/// Without options: three nodes, the chart installed by helm, a cluster of three pods. The Goose is
/// killed, cut off, handed over; the set is scaled. At the end the cluster stays up for you.
#[derive(Args)]
pub struct DemoOptions {
    /// Take the cluster down at the end
    #[arg(long)]
    pub once: bool,

    /// Let nodes die and come back at random, each living this long (say 10s..60s), until Ctrl-C
    #[arg(long, value_name = "MIN..MAX")]
    pub lifetime: Option<Lifetime>,

    /// Seed of the random lives, to see the same ones again
    #[arg(long, requires = "lifetime")]
    pub seed: Option<u64>,

    /// Use a cluster that exists, by this kubeconfig, instead of making one
    #[arg(long, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,

    /// Use a cluster that exists, by this context of the kubeconfig, instead of making one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// Registry, with path, that the images were pushed to (on a cluster that exists)
    #[arg(long, value_name = "PREFIX")]
    pub registry: Option<String>,

    /// Without nodes and containers: sidecars as processes; needs no root (the default when not root)
    #[arg(long, conflicts_with_all = ["kubeconfig", "context", "registry"])]
    pub light: bool,
}

/// Options of `test`.
#[derive(Args)]
pub struct TestOptions {
    /// Leave out what needs root and nodes: the full tier
    #[arg(long)]
    pub light: bool,

    /// The long version, for nights and releases: the tests on clusters many times over, and once on
    /// the oldest Kubernetes
    #[arg(long)]
    pub deep: bool,

    /// Which Kubernetes the full tier runs: the `current` one, or the `oldest` that is supported
    #[arg(long, default_value_t, conflicts_with_all = ["light", "deep"], value_name = "RELEASE")]
    pub kubernetes: Release,

    /// Run only the tests whose name has this in it, and no other checks
    pub filter: Option<String>,
}

/// Options of `chaos`.
///
/// Members are killed, frozen, cut off and lied to, one to three faults at a time, while each is
/// asked for its role 200 times a second. The same seed gives the same schedule, which is printed
/// first. A run that finds something is kept whole below target/chaos.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ChaosOptions {
    /// What to do instead of a run
    #[command(subcommand)]
    pub task: Option<ChaosTask>,

    /// Seed of the schedule, to see the same one again
    #[arg(long)]
    pub seed: Option<u64>,

    /// How long to go on
    #[arg(long, default_value_t = 5.0)]
    pub minutes: f64,

    /// Only this fault, again and again
    #[arg(long, value_name = "FAULT")]
    pub only: Option<Fault>,

    /// List the faults that there are
    #[arg(long)]
    pub list: bool,

    /// How many pods the cluster has
    #[arg(long, default_value_t = 3)]
    pub members: usize,

    /// Use this cluster of `cargo xtask up --install` as it is, and build nothing
    #[arg(long, value_name = "CLUSTER")]
    pub on: Option<String>,

    /// Which sidecar elects: `shipped`, `mutation=NAME` and `clocks=slewed` or `clocks=stepped` (two
    /// with a comma), `client-go`, or `image=NAME:TAG@ARCHIVE`
    #[arg(long, default_value_t)]
    pub elector: Elector,

    /// No fault at all: no Goose may step down
    #[arg(long, conflicts_with = "only")]
    pub soak: bool,

    /// Put electors to the test that are known to be bad, or the one of this name: each must be found out
    #[arg(long, value_name = "NAME", conflicts_with_all = ["only", "soak", "elector", "seed"])]
    pub prove: Option<Option<String>>,

    /// Write the figures into this document, where its table is
    #[arg(long, value_name = "PATH")]
    pub report: Option<PathBuf>,
}

/// Tasks of `chaos` that need no cluster.
#[derive(Subcommand)]
pub enum ChaosTask {
    /// Judge a run again that was kept
    Judge {
        /// The folder that it is in
        folder: PathBuf,
    },
}

/// Options of `bench`.
///
/// On one cluster and in one run, taking turns: ours, client-go's leader election, kubert's lease and
/// kube-leader-election. All of it takes about two hours.
#[derive(Args)]
pub struct BenchOptions {
    #[arg(long, value_name = "NAME", help = only())]
    pub only: Vec<Measurement>,

    /// How often each election has its turn at everything (20 times with processes, 10 with pods, 5 with
    /// crowds; once with --quick)
    #[arg(long)]
    pub rounds: Option<usize>,

    /// A first look: one round, short windows, small crowds
    #[arg(long)]
    pub quick: bool,

    /// Write it between the markers of this document, in the place of what was measured of the same before; a run
    /// of everything also draws the chart beside it
    #[arg(long, value_name = "PATH")]
    pub report: Option<PathBuf>,
}

impl BenchOptions {
    /// What was typed.
    pub fn command(&self) -> String {
        let only = self.only.iter().map(|one| format!(" --only {one}"));
        let rounds = self.rounds.map(|rounds| format!(" --rounds {rounds}"));
        let quick = self.quick.then(|| " --quick".to_owned());
        let report = self.report.as_ref().map(|path| format!(" --report {}", path.display()));
        let words = only.chain(rounds).chain(quick).chain(report);
        "cargo xtask bench".to_owned() + &words.collect::<String>()
    }
}

fn only() -> String {
    let names: Vec<_> = Measurement::ALL.iter().map(ToString::to_string).collect();
    format!("Only this, of {}; can be given more than once", names.join(", "))
}

/// Options of `load`.
///
/// wrk and a crowd of clients that are idle or slow ask a sidecar, which is the Goose, on one core.
/// Shares, memory and renewals have bounds; times are only printed.
#[derive(Args)]
pub struct LoadOptions {
    /// How often each has its turn
    #[arg(long, default_value_t = LoadOptions::default().rounds, value_name = "NUMBER")]
    pub rounds: u32,

    /// How many seconds a turn lasts
    #[arg(long, default_value_t = LoadOptions::default().seconds, value_name = "SECONDS")]
    pub seconds: u32,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { rounds: 3, seconds: 3 }
    }
}

/// Options of `model`.
#[derive(Args)]
pub struct ModelOptions {
    /// Millions of states in each configuration: a hundred million in all, half an hour on two cores
    #[arg(long)]
    pub deep: bool,

    /// Only the configuration of this name; with --deep, those whose name has this in it
    #[arg(long, value_name = "NAME")]
    pub configuration: Option<String>,

    /// How many states of each are enough (without --deep: looked at, also again)
    #[arg(long, value_name = "NUMBER")]
    pub states: Option<usize>,
}

/// Options of `up`.
#[derive(Args)]
pub struct UpOptions {
    /// Only etcd, API server and controller manager: up in seconds, needs no root, runs no pods
    #[arg(long)]
    pub light: bool,

    /// Name of the cluster
    #[arg(long, default_value = UP_NAME)]
    pub name: String,

    /// Build the images and install the chart, too
    #[arg(long, conflicts_with = "light")]
    pub install: bool,

    /// How many members etcd has: an odd number
    #[arg(long, default_value_t = 1, conflicts_with = "light", value_name = "NUMBER")]
    pub etcd_members: u8,

    /// Which Kubernetes it runs: the `current` one, or the `oldest` that is supported
    #[arg(long, default_value_t, value_name = "RELEASE")]
    pub kubernetes: Release,
}

/// The tier that `--light` chooses.
pub fn tier(light: bool) -> Tier {
    if light { Tier::Light } else { Tier::Full }
}

/// Name of the cluster of `up` and `down`.
const UP_NAME: &str = "pond";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_task_and_every_option_has_its_help() {
        for task in Cli::command().get_subcommands() {
            assert!(task.get_about().is_some(), "{} has no help", task.get_name());
            for option in task.get_arguments() {
                assert!(
                    option.get_help().is_some(),
                    "{} {} has no help",
                    task.get_name(),
                    option.get_id()
                );
            }
        }
    }
}
