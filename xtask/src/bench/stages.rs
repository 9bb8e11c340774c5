//! The clusters that is measured on: one after the other, each taken down at its end.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use bench::contender::Kind;
use bench::full::{self, Full};
use bench::light::Light;
use bench::measurement::Measurement;
use bench::programs::Programs;
use bench::section::Section;
use testbed::Cluster;

use crate::cli::BenchOptions;
use crate::image;
use crate::install;
use crate::screen::Screen;
use crate::up;

/// How much is measured.
pub struct Extent {
    rounds: Rounds,
    /// For how long it is looked at what rests.
    window: Duration,
    members: &'static [usize],
    leases: usize,
}

/// How often each election has its turn.
struct Rounds {
    /// With three processes.
    processes: usize,
    /// With three pods, which take longer to come back.
    pods: usize,
    /// With crowds of members.
    crowds: usize,
}

impl Extent {
    /// What was asked for.
    pub fn of(options: &BenchOptions) -> Self {
        let all = |rounds| Rounds { processes: rounds, pods: rounds, crowds: rounds };
        let default = Rounds { processes: 20, pods: 10, crowds: 5 };
        if options.quick {
            let (rounds, window) = (all(options.rounds.unwrap_or(1)), Duration::from_secs(6));
            return Self { rounds, window, members: &[3, 30], leases: 10 };
        }
        let (rounds, window) = (options.rounds.map_or(default, all), Duration::from_secs(30));
        Self { rounds, window, members: &[3, 30, 300, 1000], leases: 300 }
    }
}

/// Measures processes on a cluster without nodes.
///
/// # Errors
/// Where the cluster does not come up, or something does not happen that should.
pub async fn light(
    wanted: &[Measurement],
    programs: &Programs,
    extent: &Extent,
    screen: &Screen,
) -> Result<Vec<Section>> {
    let cluster = up::start(NAME, true, screen).await?;
    let say = |line: &str| screen.line(line);
    let light = Light { cluster: &cluster, programs, say: &say };
    let measured = measure_processes(wanted, &light, extent).await;
    cluster.down().await?;
    measured
}

async fn measure_processes(
    wanted: &[Measurement],
    light: &Light<'_>,
    extent: &Extent,
) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    let is_of_groups = |one: &Measurement| {
        matches!(one, Measurement::Rest | Measurement::HandOver | Measurement::Killed)
    };
    let (of_groups, others): (Vec<_>, Vec<_>) = wanted.iter().copied().partition(is_of_groups);
    if !of_groups.is_empty() {
        let mut groups = light.groups().await?;
        for one in of_groups {
            match one {
                Measurement::Rest => sections.extend(light.sidecars(&groups, extent.window).await?),
                Measurement::HandOver => {
                    sections.push(light.hand_over(&mut groups, extent.rounds.processes).await?)
                }
                _ => sections.extend(light.killed(&mut groups, extent.rounds.processes).await?),
            }
        }
    }
    for one in others {
        match one {
            Measurement::Members => sections
                .extend(light.crowds(extent.members, extent.window, extent.rounds.crowds).await?),
            _ => sections.extend(light.many_leases(extent.leases, extent.window).await?),
        }
    }
    Ok(sections)
}

/// Measures pods on a cluster with nodes.
///
/// # Errors
/// As [`light`].
pub async fn full(
    wanted: &[Measurement],
    programs: &Programs,
    extent: &Extent,
    screen: &Screen,
) -> Result<Vec<Section>> {
    let images = image::build(screen).await?;
    let cluster = up::start(NAME, false, screen).await?;
    let measured = async {
        install::on_own_cluster(&cluster, &images, screen).await?;
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Ours) {
            let archive =
                full::image(&programs.sidecar(kind), kind, Path::new("target/bench/images"))?;
            cluster.load_image(&archive).await?;
        }
        measure_pods(wanted, &cluster, extent, screen).await
    };
    let measured = measured.await;
    cluster.down().await?;
    measured
}

async fn measure_pods(
    wanted: &[Measurement],
    cluster: &Cluster,
    extent: &Extent,
    screen: &Screen,
) -> Result<Vec<Section>> {
    let say = |line: &str| screen.line(line);
    let full = Full { cluster, rounds: extent.rounds.pods, say: &say };
    let pods = full.pods().await?;
    let mut sections = Vec::new();
    for one in wanted {
        if let Measurement::Pods(fault) = one {
            sections.extend(full.measure(*fault, &pods).await?);
        }
    }
    Ok(sections)
}

/// Name of the cluster, on either tier.
const NAME: &str = "bench";
