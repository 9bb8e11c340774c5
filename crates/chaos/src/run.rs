//! A run, round by round: faults, heal, a Goose again, rest.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::join_all;
use history::History;
use testbed::Cluster;
use tokio::time::{Instant, sleep};

use crate::cast::Cast;
use crate::fault::{Fault, Realm, bound};
use crate::faults::commit;
use crate::record::{Record, Round, Tried};
use crate::scene::Scene;
use crate::schedule::{Planned, REST, Schedule};

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which elector runs: for the record.
    pub elector: String,
    /// Whose election that is.
    pub cast: Cast,
    /// `spec.lease.duration`.
    pub lease: Duration,
    /// How many pods there are at rest.
    pub members: usize,
    /// What is done to them.
    pub schedule: Schedule,
    /// No round begins after so long.
    pub limit: Duration,
    /// How long nothing is done at the end, as a test of rest.
    pub soak: Duration,
}

/// Runs a plan on a cluster with the operator on it, and tells of each round. The result is to be
/// judged.
///
/// `keep_logs` is called while the cluster is still there, with its namespace.
///
/// # Errors
/// Where the cluster cannot be made, or never comes to rest before the first fault.
pub async fn run<Kept: Future<Output = ()>>(
    cluster: &Cluster,
    plan: Plan,
    mut tell: impl FnMut(String),
    keep_logs: impl FnOnce(String) -> Kept,
) -> Result<(Record, History)> {
    let Plan { elector, cast, lease, members, schedule, limit, soak } = plan;
    let mut scene = Scene::set(cluster, cast, members, lease).await?;
    let first = scene.at_rest(FIRST_GOOSE).await;
    let first = first.context("wanted a cluster at rest to begin with")?;
    scene.keep_a_copy().await?;
    if let Some(goose) = first {
        tell(format!("{} is the first Goose, in term {}", goose.pod, goose.term));
        scene.end_the_term_of(&goose).await?;
    }
    let began = scene.observer.now();

    let end = Instant::now() + limit;
    let mut rounds: Vec<Round> = Vec::new();
    for (number, planned) in schedule.rounds.iter().enumerate() {
        if Instant::now() >= end {
            tell(format!("the time is up after {number} rounds"));
            break;
        }
        let round = play(&scene, planned).await;
        tell(format!("{:4}  {}", number + 1, in_words(&round, &scene)));
        let came_to_rest = round.settled.is_some();
        rounds.push(round);
        if !came_to_rest {
            tell(format!("      never at rest again: {}", scene.observer.look(|s| s.describe())));
            break;
        }
        sleep(REST).await;
    }
    sleep(soak).await;

    let ended = scene.observer.now();
    let by_hand = scene.by_hand();
    let history = scene.observer.stop();
    keep_logs(scene.namespace.clone()).await;
    scene.strike().await?;
    let record = Record { elector, cast, lease, members, schedule, began, rounds, ended, by_hand };
    Ok((record, history))
}

async fn play(scene: &Scene<'_>, planned: &[Planned]) -> Round {
    let from = scene.observer.now();
    let tried = planned.iter().map(async |planned| {
        let failure = commit(planned, scene).await.err().map(|error| error.to_string());
        Tried { planned: planned.clone(), failure }
    });
    let tried = join_all(tried).await;
    let faults: Vec<_> = planned.iter().map(|planned| planned.fault).collect();
    let taken_back = scene.observer.now();
    let cuts_ways = |fault: &Fault| matches!(fault.realm(), Realm::Server | Realm::Network);
    let ways = match faults.iter().any(cuts_ways) {
        true => scene.all_find_the_apiserver().await,
        false => Ok(()),
    };
    let healed = scene.observer.now();
    if faults.iter().any(|fault| fault.realm() == Realm::Lease) {
        // A Goose that does not know its own record any more leads on until its lease ends.
        sleep(scene.lease).await;
    }
    let settled = ways.is_ok() && scene.settle().await.is_ok();
    let settled = settled.then(|| scene.observer.now());
    Round { tried, from, taken_back, healed, bound: bound(&faults, scene.lease), settled }
}

fn in_words(round: &Round, scene: &Scene<'_>) -> String {
    let tried = round.tried.iter().map(|tried| match &tried.failure {
        None => tried.planned.to_string(),
        Some(failure) => format!("{} (NOT DONE: {failure})", tried.planned),
    });
    let tried: Vec<_> = tried.collect();
    let geese = scene.observer.look(|seen| {
        let proofs = seen.proofs.iter().filter(|proof| proof.other.last.answered >= round.from);
        proofs.map(|proof| format!("\n      {proof}")).collect::<String>()
    });
    let took = round.settled.map_or("never".to_owned(), |settled| {
        format!("{:.1} s", (settled - round.healed).as_secs_f64())
    });
    let ways = round.healed.saturating_sub(round.taken_back);
    let ways = match ways > Duration::from_secs(1) {
        true => format!(" (every node found the API server after {:.1} s)", ways.as_secs_f64()),
        false => String::new(),
    };
    format!("{}{ways}: at rest after {took}{geese}", tried.join(" + "))
}

/// For images to be unpacked and pods to start.
const FIRST_GOOSE: Duration = Duration::from_secs(120);
