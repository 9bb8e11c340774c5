//! What is done to the Goose, and what comes of it. One function an act.

use std::time::Duration;

use anyhow::Result;

use super::figures::{Figures, in_words, median};
use super::pond::{Goose, Known, Pond, Turn};
use super::stage::Stage;
use super::stage::nodes::Nodes;
use super::{CLUSTER, table};
use crate::screen::Screen;

/// The stage with its audience.
pub struct Play<'a> {
    /// Where it plays.
    pub stage: &'a Stage,
    /// What is known of the members.
    pub pond: &'a Pond,
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
        self.kubectl(&["apply", "-f", SAMPLE]).await?;
        let started = self.pond.clock.now();
        let turn = self.next_goose(0).await?;
        let took = in_words(turn.answer.answered - started);
        self.tell(format!(
            "   {} answered goose after {took}: a new cluster waits for one lease, 6 s",
            turn.answer.pod
        ));
        let available = format!("--timeout={}s", PATIENCE.as_secs());
        self.kubectl(&["wait", "--for=condition=Available", &format!("dgc/{CLUSTER}"), &available])
            .await?;
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
        self.scale().await?;
        self.delete_pod(figures).await
    }

    /// Of the member that has been running for the longest.
    pub fn look_at_memory(&self, figures: &mut Figures) {
        let members =
            self.pond.look(|known| known.members().into_iter().cloned().collect::<Vec<_>>());
        let seen = members.iter().filter_map(|member| self.stage.sidecar_memory(&member.pod));
        figures.memory = seen.max_by_key(|memory| memory.after);
    }

    async fn hand_over_on_sigterm(&self, figures: &mut Figures) -> Result<()> {
        self.tell(format!("\n▸ hand-over: SIGTERM to the Goose's sidecar, {HAND_OVERS} times"));
        for _ in 0..HAND_OVERS {
            let goose = self.settle(MEMBERS).await?;
            let started = self.pond.clock.now();
            self.stage.terminate_sidecar(&goose.pod)?;
            let took = self.succeeded(&goose, started).await?;
            figures.terminated.push(took);
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
        let started = self.pond.clock.now();
        self.stage.kill(&goose.pod).await?;
        figures.killed = Some(self.succeeded(&goose, started).await?);
        self.settle(MEMBERS).await?;
        self.tell(format!("   {} is back", goose.pod));
        self.end_of_scene();
        Ok(())
    }

    async fn cut_off_and_heal(&self, nodes: &Nodes, figures: &mut Figures) -> Result<()> {
        let goose = self.settle(MEMBERS).await?;
        self.tell(format!("\n▸ cut off {}, the node of the Goose {}", goose.node, goose.pod));
        let started = self.pond.clock.now();
        nodes.cut(&goose.node)?;
        let turn = self.next_goose(goose.term).await?;
        self.tell_succession(&goose, &turn, started);
        figures.cut = Some(turn.answer.answered - started);

        let stepped_down = |known: &Known| known.duck_after(&goose.uid, started);
        let duck =
            self.pond.until("the isolated Goose to say duck", PATIENCE, stepped_down).await?;
        let before = signed_milliseconds(duck.answered, turn.answer.asked);
        figures.stepped_down_before = Some(before);
        self.tell(format!(
            "   {}, asked from inside its node, said duck {before} ms before {} said goose",
            goose.pod, turn.answer.pod
        ));
        nodes.heal(&goose.node)?;
        let now = self.settle(MEMBERS).await?;
        self.tell(format!(
            "   {} connected again: {} is a Duck, {} is the Goose",
            goose.node, goose.pod, now.pod
        ));
        self.end_of_scene();
        Ok(())
    }

    async fn scale(&self) -> Result<()> {
        for (count, words) in [(MORE, "more Ducks"), (MEMBERS, "fewer")] {
            let goose = self.settle_any().await?;
            self.tell(format!("\n▸ {words}: kubectl scale dgc/{CLUSTER} --replicas={count}"));
            let started = self.pond.clock.now();
            let replicas = format!("--replicas={count}");
            self.kubectl(&["scale", &format!("dgc/{CLUSTER}"), &replicas]).await?;
            let now = self.settle(count).await?;
            let took = in_words(self.pond.clock.now() - started);
            if now.uid == goose.uid && now.term == goose.term {
                self.tell(format!(
                    "   {count} pods after {took}; {} is the Goose, as before",
                    goose.pod
                ));
            } else {
                let turn = self.next_goose(goose.term).await?;
                self.tell(format!("   {count} pods after {took}; the Goose's own pod had to go"));
                self.tell_succession(&goose, &turn, started);
            }
            self.end_of_scene();
        }
        Ok(())
    }

    async fn delete_pod(&self, figures: &mut Figures) -> Result<()> {
        let goose = self.settle(MEMBERS).await?;
        self.tell(format!("\n▸ hand-over in good order: kubectl delete pod {}", goose.pod));
        let started = self.pond.clock.now();
        self.kubectl(&["delete", "pod", &goose.pod, "--wait=false"]).await?;
        figures.deleted = Some(self.succeeded(&goose, started).await?);
        self.settle(MEMBERS).await?;
        self.end_of_scene();
        Ok(())
    }

    /// Waits for a Goose after this one, says so, and returns how long that took.
    async fn succeeded(&self, goose: &Goose, started: Duration) -> Result<Duration> {
        let turn = self.next_goose(goose.term).await?;
        self.tell_succession(goose, &turn, started);
        Ok(turn.answer.answered - started)
    }

    fn tell_succession(&self, goose: &Goose, turn: &Turn, started: Duration) {
        let took = in_words(turn.answer.answered - started);
        let who = if *turn.answer.member == *goose.uid {
            "itself, in a later term,"
        } else {
            &*turn.answer.pod
        };
        self.tell(format!("   {} → {who} answered goose after {took}", goose.pod));
    }

    async fn next_goose(&self, term: u64) -> Result<Turn> {
        self.pond.until("another Goose", PATIENCE, |known| known.goose_after(term)).await
    }

    /// Waits until there are so many members, all well, and returns their Goose.
    async fn settle(&self, count: usize) -> Result<Goose> {
        let what = format!("{count} ready members, one of them Goose,");
        let settled = |known: &Known| known.goose().filter(|_| known.is_settled(count));
        self.pond.until(&what, PATIENCE, settled).await
    }

    async fn settle_any(&self) -> Result<Goose> {
        self.pond.until("a Goose", PATIENCE, |known| known.goose()).await
    }

    async fn kubectl(&self, arguments: &[&str]) -> Result<()> {
        let arguments = [&["--namespace", self.stage.namespace()], arguments].concat();
        self.stage.clients().kubectl(&arguments).await.map(drop)
    }

    fn tell(&self, line: impl AsRef<str>) {
        self.screen.line(line);
    }

    /// Who cannot be shown a table that changes is shown one that stays.
    fn end_of_scene(&self) {
        if !self.screen.is_live() {
            self.screen.line(table::render(self.pond));
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

/// A pod on a small machine may take a while to start.
const PATIENCE: Duration = Duration::from_secs(60);
