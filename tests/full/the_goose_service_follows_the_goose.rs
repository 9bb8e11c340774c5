//! A client on a node asks the Goose's Service by its address, 50 times a second, while the Goose is
//! moved in every way there is: each time the Service leads to the next Goose, and never do its
//! answers come from two at one time. How many were none is measured.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::names::{SIDECAR_CONTAINER, SIDECAR_PORT, goose_service};
use history::{Answer, Said};
use k8s_openapi::api::core::v1::Service;
use observer::{Goose, Seen};
use serde::Deserialize;
use stage::{Pond, Stage, Wanted, ask, eventually};
use testbed::Node;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(5).with_default_lease()).await?;
    let client = Client::begin(stage, &pond).await?;
    client.is_led_to(&goose).await?;

    let last = format!("pond-{}", if *goose.pod == *"pond-4" { 3 } else { 4 });
    client.during("planned hand-over", &pond, 5, async || pond.hand_over_to(&last).await).await?;
    client.during("scale-in", &pond, 3, async || scale_in(stage, &pond).await).await?;
    client.during("rollout", &pond, 3, async || roll_out(stage, &pond).await).await?;
    client.during("drain", &pond, 3, async || drain(stage, &pond).await).await?;
    client.during("confirmed death", &pond, 3, async || kill(stage, &pond).await).await?;

    let proofs = history::judge(&client.answers());
    ensure!(proofs.is_empty(), "wanted one Goose at a time by the Service, found {proofs:?}");
    pond.judge()?;
    Ok(())
}

async fn scale_in(stage: &Stage, pond: &Pond<'_>) -> Result<Goose> {
    let goose = goose_of(pond)?;
    stage.kubectl("scale dgc/pond --replicas=3").await?;
    pond.goose_moved_from(&goose).await
}

async fn roll_out(stage: &Stage, pond: &Pond<'_>) -> Result<Goose> {
    let old = pond.observer.look(uids);
    let patch =
        r#"{"spec":{"template":{"metadata":{"annotations":{"example.com/rolled":"out"}}}}}"#;
    stage.kubectl(&format!("patch dgc pond --type=merge --patch={patch}")).await?;
    let anew = |seen: &Seen| if uids(seen).is_disjoint(&old) { seen.goose() } else { None };
    Ok(pond.observer.until("all pods made anew", 3 * stage::pond::SETTLING, anew).await?)
}

async fn drain(stage: &Stage, pond: &Pond<'_>) -> Result<Goose> {
    let goose = goose_of(pond)?;
    let node = pond.observer.look(|seen| seen.member(&goose.pod)?.node.clone());
    let node = node.context("wanted the Goose's node")?;
    let drain =
        format!("drain {node} --pod-selector=duckduckgoose.dev/cluster=pond --timeout=120s");
    let (drained, moved) = tokio::join!(stage.kubectl(&drain), pond.goose_after(&goose));
    stage.kubectl(&format!("uncordon {node}")).await?;
    drained?;
    moved
}

async fn kill(stage: &Stage, pond: &Pond<'_>) -> Result<Goose> {
    let goose = goose_of(pond)?;
    stage.cluster().pod(&stage.namespace, &goose.pod)?.kill(SIDECAR_CONTAINER)?;
    pond.goose_after(&goose).await
}

fn goose_of(pond: &Pond<'_>) -> Result<Goose> {
    pond.observer.look(Seen::goose).context("wanted a Goose")
}

fn uids(seen: &Seen) -> BTreeSet<Arc<str>> {
    seen.members().iter().map(|member| member.uid.clone()).collect()
}

/// Asks the Service until it is dropped. Each question goes over a connection of its own: those that
/// are there stay with the Goose of before.
struct Client<'a> {
    stage: &'a Stage,
    heard: Arc<Mutex<Vec<Heard>>>,
    asking: JoinHandle<()>,
}

/// What became of one question.
enum Heard {
    Answer(Answer),
    Nothing,
}

/// The part of `GET /role` that is of interest here.
#[derive(Deserialize)]
struct Role {
    pod: Arc<str>,
    role: String,
    term: Option<u64>,
}

impl<'a> Client<'a> {
    async fn begin(stage: &'a Stage, pond: &Pond<'_>) -> Result<Self> {
        let service = stage.all::<Service>().get(&goose_service(&pond.name)).await?;
        let address = service.spec.and_then(|spec| spec.cluster_ip);
        let address: IpAddr = address.context("wanted a Service with an address")?.parse()?;
        let node = stage.cluster().nodes().into_iter().next().context("wanted a node")?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let asking = ask_on(node, SocketAddr::new(address, SIDECAR_PORT), heard.clone());
        Ok(Self { stage, heard, asking: tokio::spawn(asking) })
    }

    /// Moves the Goose, waits until the Service leads to it and all is well, and tells what clients
    /// have felt of it.
    async fn during(
        &self,
        what: &str,
        pond: &Pond<'_>,
        pods: usize,
        move_it: impl AsyncFnOnce() -> Result<Goose>,
    ) -> Result<()> {
        let before = self.heard().len();
        move_it().await.with_context(|| what.to_owned())?;
        let goose = pond.settled(pods).await?;
        self.is_led_to(&goose).await.with_context(|| what.to_owned())?;
        let heard = self.heard();
        let (mut geese, mut ducks, mut errors) = (0, 0, 0);
        for heard in &heard[before..] {
            match heard {
                Heard::Answer(answer) if answer.term().is_some() => geese += 1,
                Heard::Answer(_) => ducks += 1,
                Heard::Nothing => errors += 1,
            }
        }
        let test = self.stage.test;
        println!(
            "     {test}: {what}: {geese} answers of a Goose, {ducks} of a Duck, {errors} errors"
        );
        Ok(())
    }

    /// Waits until this one answers.
    async fn is_led_to(&self, goose: &Goose) -> Result<()> {
        eventually(&format!("an answer of {goose:?}"), PATIENCE, async || {
            let heard = self.heard();
            let Some(Heard::Answer(last)) = heard.last() else {
                anyhow::bail!("no answer");
            };
            ensure!((last.term(), &last.pod) == (Some(goose.term), &goose.pod), "{last:?}");
            Ok(())
        })
        .await
    }

    fn answers(&self) -> Vec<Answer> {
        let answer = |heard: &Heard| match heard {
            Heard::Answer(answer) => Some(answer.clone()),
            Heard::Nothing => None,
        };
        self.heard().iter().filter_map(answer).collect()
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Vec<Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

async fn ask_on(node: Node, service: SocketAddr, heard: Arc<Mutex<Vec<Heard>>>) {
    let begun = Instant::now();
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let asked = begun.elapsed();
        let role = timeout(ANSWERED, question(&node, service)).await.ok().and_then(Result::ok);
        let answered = begun.elapsed();
        let news = role.map_or(Heard::Nothing, |Role { pod, role, term }| {
            let term = term.filter(|_| role == api::names::GOOSE);
            let said = term.map_or(Said::Duck, |term| Said::Goose { term });
            Heard::Answer(Answer { member: pod.clone(), pod, said, asked, answered })
        });
        heard.lock().unwrap_or_else(PoisonError::into_inner).push(news);
    }
}

async fn question(node: &Node, service: SocketAddr) -> Result<Role> {
    // A socket stays in the network that it was made in.
    let socket = node.inside(TcpSocket::new_v4)??;
    let (status, body) = ask::get_over(socket.connect(service).await?, "/role").await?;
    ensure!(status == 200, "wanted a role, found {status} {body}");
    Ok(serde_json::from_str(&body)?)
}

const PACE: Duration = Duration::from_millis(20);

/// For an answer of the sidecar, on a machine that is busy with other things.
const ANSWERED: Duration = Duration::from_millis(500);

const PATIENCE: Duration = Duration::from_secs(20);
