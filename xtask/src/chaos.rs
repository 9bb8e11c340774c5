//! `cargo xtask chaos`: tries to get two Geese out of a real cluster.

mod elector;
mod logs;
mod prove;
mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use chaos::schedule::Schedule;
use chaos::{Fault, Plan, Record, Verdict, table};
use history::History;
use strum::VariantArray;
use testbed::{Cluster, Options, Tier};

pub use self::elector::Elector;
use crate::cli::{ChaosOptions, ChaosTask};
use crate::clients::Clients;
use crate::image;
use crate::install;
use crate::prepare;
use crate::screen::Screen;
use crate::up;

/// Runs what was asked for.
///
/// # Errors
/// Where a run finds what must not be, or cannot be run.
pub async fn run(options: ChaosOptions, screen: &Screen) -> Result<()> {
    if let Some(ChaosTask::Judge { folder }) = options.task {
        return judge_again(&folder, screen);
    }
    if options.list {
        list(screen);
        return Ok(());
    }
    let stage = match &options.on {
        Some(name) => Stage::found(name, screen).await?,
        None => Stage::made(screen).await?,
    };
    let Stage { cluster, clients, .. } = &stage;
    let result = match &options.prove {
        Some(name) => prove::run(name.as_deref(), options.members, cluster, clients, screen).await,
        None => on_a_stage(&options, cluster, clients, screen).await,
    };
    stage.strike(result).await
}

async fn on_a_stage(
    options: &ChaosOptions,
    cluster: &Cluster,
    clients: &Clients,
    screen: &Screen,
) -> Result<()> {
    if options.elector == Elector::Shipped {
        return disturb(options, cluster, clients, screen).await;
    }
    options.elector.install(cluster, clients, screen).await?;
    let result = disturb(options, cluster, clients, screen).await;
    Elector::Shipped.install(cluster, clients, screen).await?;
    result
}

/// A cluster with the product on it.
struct Stage {
    cluster: Cluster,
    clients: Clients,
    /// It was started here, and ends here.
    ours: bool,
}

impl Stage {
    async fn made(screen: &Screen) -> Result<Self> {
        prepare::install(Tier::Full, screen).await?;
        let images = image::build(screen).await?;
        let options = Options { etcd_members: ETCD_MEMBERS, ..Options::full(NAME) };
        let cluster = up::start_with(options, screen).await?;
        let clients = install::on_own_cluster(&cluster, &images, screen).await?;
        Ok(Self { cluster, clients, ours: true })
    }

    async fn found(name: &str, screen: &Screen) -> Result<Self> {
        let cluster = Cluster::attach(name)?;
        let clients = Clients::of_own_cluster(&cluster, screen).await?;
        Ok(Self { cluster, clients, ours: false })
    }

    async fn strike(self, result: Result<()>) -> Result<()> {
        if self.ours {
            self.cluster.down().await?;
        }
        result
    }
}

/// A few minutes of all faults by a fixed seed, on a cluster with the product on it: for each change.
///
/// # Errors
/// As [`run`].
pub async fn short(cluster: &Cluster, clients: &Clients, screen: &Screen) -> Result<()> {
    let options = ChaosOptions {
        task: None,
        seed: Some(SHORT_SEED),
        minutes: SHORT_MINUTES,
        only: None,
        list: false,
        members: 3,
        on: None,
        elector: Elector::Shipped,
        soak: false,
        prove: None,
        report: None,
    };
    disturb(&options, cluster, clients, screen).await
}

async fn disturb(
    options: &ChaosOptions,
    cluster: &Cluster,
    clients: &Clients,
    screen: &Screen,
) -> Result<()> {
    let plan = plan(options, cluster)?;
    screen.line(format!("seed {}; the schedule:\n{}", plan.schedule.seed, plan.schedule));
    let folder = PathBuf::from(KEPT).join(plan.schedule.seed.to_string());
    let logs = folder.join("logs");
    let keep_logs = async |namespace: String| logs::keep(clients, &namespace, &logs).await;
    let (record, history) = chaos::run(cluster, plan, |line| screen.line(line), keep_logs).await?;
    let verdict = Verdict::of(&record, &history);
    tell(&record, &history, &verdict, screen);
    if let Some(document) = &options.report {
        report::write(document, &record, &history, &verdict, options.soak)?;
    }
    conclude(&record, &history, &verdict, &folder, options.soak)
}

fn plan(options: &ChaosOptions, cluster: &Cluster) -> Result<Plan> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let minutes = if options.soak { 0.0 } else { options.minutes };
    let span = Duration::from_secs_f64(options.minutes * 60.0);
    Ok(Plan {
        elector: options.elector.to_string(),
        cast: options.elector.cast(),
        lease: LEASE,
        members: options.members,
        schedule: Schedule::draw(seed, minutes, &faults(options, cluster)?, LEASE),
        limit: span,
        soak: if options.soak { span } else { Duration::ZERO },
    })
}

/// What can be done to this elector on this cluster, or the one that was asked for.
fn faults(options: &ChaosOptions, cluster: &Cluster) -> Result<Vec<Fault>> {
    let members = cluster.etcd_members().len();
    let cast = options.elector.cast();
    let Some(only) = options.only else {
        let possible = Fault::possible(members).into_iter();
        return Ok(possible.filter(|fault| cast.bears(*fault)).collect());
    };
    ensure!(
        cast.bears(only),
        "wanted a fault of processes or of the network for {}, found {only}",
        options.elector
    );
    let least = only.least_etcd_members();
    ensure!(
        least <= members,
        "wanted {least} members of etcd for {only}, found {members}: leave out `--on`, or start that \
         cluster with `--etcd-members {least}`"
    );
    Ok(vec![only])
}

fn tell(record: &Record, history: &History, verdict: &Verdict, screen: &Screen) {
    screen.line(table::markdown(record, verdict));
    screen.line(format!(
        "{} rounds, {} answers; false abdications: {}, of these at rest: {}",
        record.rounds.len(),
        history.answers.len(),
        verdict.false_abdications(),
        verdict.abdications_at_rest,
    ));
    screen.line(verdict.in_words(history));
}

/// A run that found something is kept whole; of a good one the figures are enough.
fn conclude(
    record: &Record,
    history: &History,
    verdict: &Verdict,
    folder: &Path,
    soak: bool,
) -> Result<()> {
    let abdicated = soak && verdict.abdications_at_rest > 0;
    if verdict.is_good() && !abdicated {
        return Ok(());
    }
    record.keep(history, folder)?;
    let folder = folder.display();
    let kept = format!("kept in {folder}; judge it again by `cargo xtask chaos judge {folder}`");
    if verdict.is_good() {
        bail!("{} Geese stepped down at rest; {kept}", verdict.abdications_at_rest);
    }
    bail!("{} findings; {kept}", verdict.findings.len());
}

fn judge_again(folder: &Path, screen: &Screen) -> Result<()> {
    let (record, history) =
        Record::read(folder).context("wanted a folder that a run was kept in")?;
    let verdict = Verdict::of(&record, &history);
    tell(&record, &history, &verdict, screen);
    if !verdict.is_good() {
        bail!("{} findings", verdict.findings.len());
    }
    Ok(())
}

fn list(screen: &Screen) {
    for fault in Fault::VARIANTS {
        screen.line(format!("{:18} {}", fault.to_string(), fault.what()));
    }
}

/// Name of the cluster.
const NAME: &str = "chaos";

/// So that one of them can be lost.
const ETCD_MEMBERS: u8 = 3;

/// Short, so that a run of minutes has many rounds.
const LEASE: Duration = Duration::from_secs(3);

/// Has a fault of each realm, and most of them alone.
const SHORT_SEED: u64 = 4;

const SHORT_MINUTES: f64 = 3.0;

/// Below the checkout.
const KEPT: &str = "target/chaos";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_mix_has_a_fault_of_each_realm() {
        let faults = Fault::possible(1);
        let schedule = Schedule::draw(SHORT_SEED, SHORT_MINUTES, &faults, LEASE);
        let drawn: Vec<_> = schedule.rounds.iter().flatten().map(|it| it.fault.realm()).collect();
        for fault in faults {
            assert!(drawn.contains(&fault.realm()), "none is like {fault}: choose another seed");
        }
    }
}
