//! What is done to the Goose, and what comes of it. One function an act.

use std::time::Duration;

use anyhow::{Context, Result};
use observer::{Goose, Member, Observer};

use super::figures::{Figures, in_words, median};
use super::stage::Stage;
use super::stage::nodes::Nodes;
use super::{CLUSTER, table};
use crate::screen::Screen;

/// The stage with its audience.
pub struct Play<'a> {
    /// Where it plays.
    pub stage: &'a Stage,
    /// Who asks the members.
    pub observer: &'a Observer,
    /// Where it is told.
    pub screen: &'a Screen,
}

impl Play<'_> {
    /// Applies the sample and waits for the first Goose.
    ///
    /// # Errors
    /// Where there is none in time.
    pub async fn begin(&self) -> Result<()> {
        self.tell(format!("\n▸ kubectl apply -f {SAMPLE}"));
        let started = self.now();
        self.kubectl(&["apply", "-f", SAMPLE]).await?;
        let goose = self.observer.goose(PATIENCE).await?;
        let took = in_words(goose.at.saturating_sub(started));
        self.tell(format!(
            "   {} answered goose after {took}: a new cluster waits for one lease, 6 s",
            goose.pod
        ));
        self.wait_until_available().await?;
        self.settle(MEMBERS).await?;
        self.end_of_scene();
        Ok(())
    }

    /// All that is done to the Goose.
    ///
    /// # Errors
    /// Where something does not happen that should.
    pub async fn acts(&self, figures: &mut Figures) -> Result<()> {
        if self.stage.can_signal() {
            self.hand_over_on_sigterm(figures).await?;
        }
        self.kill(figures).await?;
        if let Some(nodes) = self.stage.nodes() {
            self.cut_off_and_heal(nodes, figures).await?;
        }
        self.scale(MORE, "more Ducks").await?;
        self.scale(MEMBERS, "fewer").await?;
        self.delete_pod(figures).await?;
        figures.end();
        Ok(())
    }

    /// Of the member whose sidecar has been running for the longest.
    pub fn look_at_memory(&self, figures: &mut Figures) {
        let pods = self.observer.look(|seen| {
            seen.members().iter().map(|member| member.pod.clone()).collect::<Vec<_>>()
        });
        let seen = pods.iter().filter_map(|pod| self.stage.sidecar_memory(pod));
        figures.memory = seen.max_by_key(|memory| memory.after);
    }

    async fn hand_over_on_sigterm(&self, figures: &mut Figures) -> Result<()> {
        self.tell(format!("\n▸ hand-over: SIGTERM to the Goose's sidecar, {HAND_OVERS} times"));
        for _ in 0..HAND_OVERS {
            let goose = self.settle(MEMBERS).await?;
            let started = self.now();
            self.stage.terminate_sidecar(&goose.pod)?;
            figures.terminated.push(self.succeeded(&goose, started).await?);
        }
        if let Some(median) = median(&figures.terminated) {
            self.tell(format!("   median {}", in_words(median)));
        }
        self.settle(MEMBERS).await?;
        self.end_of_scene();
        Ok(())
    }

    async fn kill(&self, figures: &mut Figures) -> Result<()> {
        let goose = self.settle(MEMBERS).await?;
        self.tell(format!("\n▸ kill the Goose {}: {}", goose.pod, self.stage.kill_in_words()));
        let started = self.now();
        self.stage.kill(&goose.pod).await?;
        figures.killed = Some(self.succeeded(&goose, started).await?);
        self.settle(MEMBERS).await?;
        self.tell(format!("   {} is back", goose.pod));
        self.end_of_scene();
        Ok(())
    }

    async fn cut_off_and_heal(&self, nodes: &Nodes, figures: &mut Figures) -> Result<()> {
        let goose = self.settle(MEMBERS).await?;
        let node = self.node_of(&goose)?;
        self.tell(format!("\n▸ cut off {node}, the node of the Goose {}", goose.pod));
        let started = self.now();
        nodes.cut(&node)?;
        figures.cut = Some(self.succeeded(&goose, started).await?);
        let before = self.stepped_down_before(&goose, started).await?;
        figures.stepped_down_before = Some(before);
        self.tell(format!(
            "   {}, asked from inside its node, had said duck {before} ms before that",
            goose.pod
        ));
        nodes.heal(&node)?;
        let now = self.settle(MEMBERS).await?;
        self.tell(format!(
            "   {node} connected again: {} is a Duck, {} is the Goose",
            goose.pod, now.pod
        ));
        self.end_of_scene();
        Ok(())
    }

    async fn scale(&self, count: usize, words: &str) -> Result<()> {
        let goose = self.observer.goose(PATIENCE).await?;
        self.tell(format!("\n▸ {words}: kubectl scale dgc/{CLUSTER} --replicas={count}"));
        let started = self.now();
        let replicas = format!("--replicas={count}");
        self.kubectl(&["scale", &format!("dgc/{CLUSTER}"), &replicas]).await?;
        self.observer.settled(count, PATIENCE).await?;
        let took = in_words(self.now() - started);
        let now = self.settle(count).await?;
        if now.term == goose.term {
            self.tell(format!(
                "   {count} pods after {took}; {} is the Goose, as before",
                goose.pod
            ));
        } else {
            self.tell(format!("   {count} pods after {took}; the Goose's own pod had to go"));
            self.succeeded(&goose, started).await?;
        }
        self.end_of_scene();
        Ok(())
    }

    async fn delete_pod(&self, figures: &mut Figures) -> Result<()> {
        let goose = self.settle(MEMBERS).await?;
        self.tell(format!("\n▸ hand-over in good order: kubectl delete pod {}", goose.pod));
        let started = self.now();
        self.kubectl(&["delete", "pod", &goose.pod, "--wait=false"]).await?;
        figures.deleted = Some(self.succeeded(&goose, started).await?);
        self.settle(MEMBERS).await?;
        self.end_of_scene();
        Ok(())
    }

    /// Waits for a Goose after this one, says so, and returns how long that took.
    async fn succeeded(&self, goose: &Goose, started: Duration) -> Result<Duration> {
        let next = self.observer.goose_after(goose.term, PATIENCE).await?;
        let took = next.at - started;
        let who = if next.uid == goose.uid { "itself, in a later term," } else { &*next.pod };
        self.tell(format!("   {} → {who} answered goose after {}", goose.pod, in_words(took)));
        Ok(took)
    }

    /// How many milliseconds before the next Goose's first answer was asked for this one had
    /// answered that it is a Duck; negative where it was after.
    async fn stepped_down_before(&self, goose: &Goose, cut: Duration) -> Result<i128> {
        let duck = self.observer.until("the isolated Goose to say duck", PATIENCE, |seen| {
            seen.history.first_duck(&goose.uid, cut).map(|answer| answer.answered)
        });
        let duck = duck.await?;
        let next = self.observer.look(|seen| {
            seen.history.first_goose_of_later_term(goose.term).map(|answer| answer.asked)
        });
        Ok(signed_milliseconds(duck, next.context("wanted another Goose, found none")?))
    }

    /// Waits until there are so many members and all is well, also a while from now, and returns
    /// their Goose.
    async fn settle(&self, count: usize) -> Result<Goose> {
        let later = self.now() + PAUSE;
        let wanted = format!("{count} ready pods, one of them Goose in word and label,");
        let settled = self.observer.until(&wanted, PATIENCE, |seen| {
            let lately = |member: &&Member| {
                member.answer.as_ref().is_some_and(|answer| answer.asked > later)
            };
            let all_lately = seen.members().iter().all(lately);
            seen.goose().filter(|_| all_lately && seen.is_settled(count))
        });
        Ok(settled.await?)
    }

    async fn wait_until_available(&self) -> Result<()> {
        let patience = format!("--timeout={}s", PATIENCE.as_secs());
        let cluster = format!("dgc/{CLUSTER}");
        self.kubectl(&["wait", "--for=condition=Available", &cluster, &patience]).await
    }

    async fn kubectl(&self, arguments: &[&str]) -> Result<()> {
        let arguments = [&["--namespace", self.stage.namespace()], arguments].concat();
        self.stage.clients().kubectl(&arguments).await.map(drop)
    }

    fn node_of(&self, goose: &Goose) -> Result<String> {
        let node = self.observer.look(|seen| seen.member(&goose.pod)?.node.clone());
        node.with_context(|| format!("wanted the node of {}, found it on none", goose.pod))
    }

    fn now(&self) -> Duration {
        self.observer.now()
    }

    fn tell(&self, line: impl AsRef<str>) {
        self.screen.line(line);
    }

    /// Who cannot be shown a table that changes is shown one that stays.
    fn end_of_scene(&self) {
        if !self.screen.is_live() {
            self.screen.line(table::render(self.observer));
        }
    }
}

fn signed_milliseconds(earlier: Duration, later: Duration) -> i128 {
    later.as_millis() as i128 - earlier.as_millis() as i128
}

const SAMPLE: &str = "manifests/samples/pond.yaml";

/// As the sample has it.
const MEMBERS: usize = 3;

const MORE: usize = 5;

/// An odd number, so that there is a median.
const HAND_OVERS: usize = 5;

/// The kubelet looks once a second whether containers run: until then a pod is said to be ready whose
/// sidecar has just ended. It also lets people see what there is to see.
const PAUSE: Duration = Duration::from_millis(1500);

/// A pod on a small machine may take a while to start.
const PATIENCE: Duration = Duration::from_secs(60);
