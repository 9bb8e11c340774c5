//! What an operator costs that keeps many clusters, and how quickly their labels and Services follow.
//!
//! ```console
//! $ cargo run --package duckduckgoose-tests --example many_clusters -- 1000
//! ```
//!
//! A second argument is the operator's program, where that is built already.
//!
//! An API server of its own without nodes; clusters of three played pods. The operator is the program
//! that goes into the image. Printed are its memory and its time on the processor, and how long it
//! takes from the answer to the write of a Lease that names another Goose until a watch shows the
//! label on the Goose's pod, and its EndpointSlice leading there: alone, and among all others.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use api::DuckGooseCluster;
use api::names::{CLUSTER_LABEL, GOOSE, ROLE_LABEL, TERM_ANNOTATION};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{ListParams, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use stage::puppets::{Puppets, led_by};
use stage::{Operator, Wanted, eventually, theatre};
use testbed::{Cluster, Options};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let clusters = arguments.next().map_or(Ok(1000), |number| number.parse())?;
    let program = match arguments.next() {
        Some(program) => program.into(),
        None => tokio::task::spawn_blocking(shipped).await??,
    };
    let cluster = Cluster::start(Options::light("many-clusters")).await?;
    theatre::define(&cluster).await?;
    let client = cluster.client().await?;
    let _puppets = Puppets::play(client.clone());
    let kubeconfig = cluster.kubeconfig();
    let operator = Operator::start_program(&program, &kubeconfig, "many-clusters.log", &[])?;
    let process = Process(operator.pid());
    let sights = Sights::watch(&client);

    make(&client, 0..1).await?;
    print_moves("alone", &moves(&client, &sights, 1, ALONE).await?);

    let begun = Instant::now();
    make(&client, 1..clusters).await?;
    println!("{clusters} clusters are as wanted after {:.0} s", begun.elapsed().as_secs_f64());
    process.print("then")?;
    let before = process.cpu()?;
    sleep(REST).await;
    println!("at rest it takes {:.2} % of a processor", percent(process.cpu()? - before, REST));

    let (begun, before) = (Instant::now(), process.cpu()?);
    print_moves("among all others", &moves(&client, &sights, clusters, AMONG_OTHERS).await?);
    let share = percent(process.cpu()? - before, begun.elapsed());
    println!("meanwhile it takes {share:.0} % of a processor");
    process.print("at the end")?;
    drop(operator);
    Ok(cluster.down().await?)
}

/// The operator as it is in the image.
fn shipped() -> Result<PathBuf> {
    Ok(testbed::static_binary("duckduckgoose-operator", "duckgoose-operator")?)
}

/// Makes clusters of these numbers, and waits until each has its Goose and three ready pods.
async fn make(client: &Client, numbers: std::ops::Range<usize>) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let made = stream::iter(numbers).map(async |number| {
        let name = namespace(number);
        if number % CLUSTERS_PER_NAMESPACE == 0 {
            let namespace = json!({ "metadata": { "name": name } });
            namespaces.create(&PostParams::default(), &serde_json::from_value(namespace)?).await?;
        }
        anyhow::Ok((number, name))
    });
    let made: Vec<_> = made.buffered(1).try_collect().await?;
    let count = made.len();
    let created = stream::iter(made).map(async |(number, namespace)| {
        let wanted = Wanted::pods(3).with_default_lease().named(&format!("pond-{number}"));
        let clusters: Api<DuckGooseCluster> = Api::namespaced(client.clone(), &namespace);
        let object = serde_json::from_value(wanted.object())?;
        clusters
            .create(&PostParams::default(), &object)
            .await
            .map(drop)
            .map_err(anyhow::Error::from)
    });
    created.buffer_unordered(MADE_AT_ONCE).try_collect::<()>().await?;
    let clusters: Api<DuckGooseCluster> = Api::all(client.clone());
    eventually("all clusters as wanted", PATIENCE, async || {
        sleep(LOOK_AGAIN).await;
        let found = clusters.list(&ListParams::default()).await?;
        let done = found.iter().filter(|cluster| is_as_wanted(cluster)).count();
        ensure!(done >= count && done == found.items.len(), "{done} of {}", found.items.len());
        Ok(())
    })
    .await
}

fn is_as_wanted(cluster: &DuckGooseCluster) -> bool {
    let status = cluster.status.as_ref();
    status.is_some_and(|status| status.goose.is_some() && status.ready_replicas == 3)
}

fn namespace(number: usize) -> String {
    format!("ponds-{}", number / CLUSTERS_PER_NAMESPACE)
}

/// How long it took until a label, and until a slice, followed.
struct Move {
    label: Duration,
    slice: Duration,
}

/// Moves the Goose of a cluster, of one after the other, `times` times.
async fn moves(
    client: &Client,
    sights: &Sights,
    clusters: usize,
    times: usize,
) -> Result<Vec<Move>> {
    let moved = stream::iter(0..times).map(async |time| {
        // Some of them overlap, as they would.
        sleep(BETWEEN_MOVES * u32::try_from(time)?).await;
        let number = time * STRIDE % clusters;
        move_goose(client, sights, number).await.with_context(|| format!("pond-{number}"))
    });
    moved.buffer_unordered(times).try_collect().await
}

async fn move_goose(client: &Client, sights: &Sights, number: usize) -> Result<Move> {
    let (name, namespace) = (format!("pond-{number}"), namespace(number));
    let leases: Api<Lease> = Api::namespaced(client.clone(), &namespace);
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let members = ListParams::default().labels(&format!("{CLUSTER_LABEL}={name}"));
    let members = pods.list(&members).await?;
    let is_duck = |pod: &&Pod| pod.labels().get(ROLE_LABEL).is_some_and(|role| role != GOOSE);
    let next = members.iter().find(is_duck).context("wanted a Duck")?;
    let (term, sent) = loop {
        let lease = leases.get(&name).await?;
        let led = led_by(&lease, next).context("wanted a Lease that can be led by")?;
        let sent = Instant::now();
        match leases.replace(&name, &PostParams::default(), &led).await {
            Ok(_) => break (lease.resource_version().unwrap_or_default(), sent),
            // The operator gave its orders for the last move.
            Err(kube::Error::Api(status)) if status.code == 409 => (),
            Err(error) => return Err(error.into()),
        }
    };
    let changed = Instant::now();
    let label = sights.of(&next.uid().unwrap_or_default(), sent).await?;
    let slice = sights.of(&slice_of(&namespace, &name, &term), sent).await?;
    Ok(Move {
        label: label.saturating_duration_since(changed),
        slice: slice.saturating_duration_since(changed),
    })
}

/// When a pod was last seen to become Goose, by uid, and when a slice was seen to lead there, by term.
#[derive(Clone, Default)]
struct Sights(Arc<Mutex<HashMap<String, Instant>>>);

impl Sights {
    fn watch(client: &Client) -> Self {
        let sights = Self::default();
        let geese = watcher::Config::default().labels(&format!("{ROLE_LABEL}={GOOSE}"));
        let pods = watcher(Api::<Pod>::all(client.clone()), geese).default_backoff();
        let slices = watcher::Config::default().labels(CLUSTER_LABEL);
        let slices = watcher(Api::<EndpointSlice>::all(client.clone()), slices).default_backoff();
        let (of_pods, of_slices) = (sights.clone(), sights.clone());
        tokio::spawn(pods.applied_objects().for_each(move |pod| {
            of_pods.note(pod.ok().and_then(|pod| pod.uid()));
            std::future::ready(())
        }));
        tokio::spawn(slices.applied_objects().for_each(move |slice| {
            of_slices.note(slice.ok().and_then(|slice| {
                let cluster = slice.labels().get(CLUSTER_LABEL)?;
                let term = slice.annotations().get(TERM_ANNOTATION)?;
                Some(slice_of(&slice.namespace()?, cluster, term))
            }));
            std::future::ready(())
        }));
        sights
    }

    fn note(&self, what: Option<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(what.map(|what| (what, Instant::now())));
    }

    /// The last one of it, once that is after this. The Goose's pod changes no more then.
    async fn of(&self, what: &str, after: Instant) -> Result<Instant> {
        let deadline = Instant::now() + FOLLOWS;
        loop {
            let seen = {
                let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                all.get(what).copied().filter(|seen| *seen > after)
            };
            if let Some(seen) = seen {
                return Ok(seen);
            }
            ensure!(Instant::now() < deadline, "wanted {what} to follow, it did not");
            sleep(Duration::from_millis(1)).await;
        }
    }
}

fn slice_of(namespace: &str, cluster: &str, term: &str) -> String {
    format!("{namespace} {cluster} {term}")
}

fn print_moves(what: &str, moves: &[Move]) {
    for (which, of) in
        [("label", (|it: &Move| it.label) as fn(&Move) -> Duration), ("slice", |it| it.slice)]
    {
        let mut all: Vec<_> = moves.iter().map(of).collect();
        all.sort();
        let percentile = |share: f64| {
            all[((all.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1000.0
        };
        println!(
            "{what}, of {} changes, the {which} followed after {:.0} ms (p50), {:.0} ms (p99)",
            all.len(),
            percentile(0.5),
            percentile(0.99)
        );
    }
}

/// A process of this machine.
struct Process(u32);

impl Process {
    fn print(&self, when: &str) -> Result<()> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let of = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            line.trim().trim_end_matches(" kB").parse::<f64>().ok()
        };
        let (now, most) = (of("VmRSS:").context("VmRSS")?, of("VmHWM:").context("VmHWM")?);
        println!(
            "{when} it has {:.1} MiB resident, at the most {:.1}",
            now / 1024.0,
            most / 1024.0
        );
        Ok(())
    }

    /// What it has had of the processors.
    fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        // utime and stime, the 14th and 15th of all, in hundredths of a second.
        let ticks: u64 =
            fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }
}

fn percent(taken: Duration, of: Duration) -> f64 {
    taken.as_secs_f64() / of.as_secs_f64() * 100.0
}

const CLUSTERS_PER_NAMESPACE: usize = 50;

const MADE_AT_ONCE: usize = 8;

/// Moves of the Goose of a cluster that is alone.
const ALONE: usize = 50;

const AMONG_OTHERS: usize = 300;

const BETWEEN_MOVES: Duration = Duration::from_millis(200);

/// From one cluster to one that is far from it.
const STRIDE: usize = 37;

const REST: Duration = Duration::from_secs(30);

const LOOK_AGAIN: Duration = Duration::from_secs(1);

const FOLLOWS: Duration = Duration::from_secs(30);

/// For pods and all else to be made, by one controller manager.
const PATIENCE: Duration = Duration::from_secs(1200);
