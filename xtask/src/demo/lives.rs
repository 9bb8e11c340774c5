//! `--lifetime`: nodes (or where there are none, pods) die and come back at random.

use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use testbed::Node;

use super::acts::Play;
use super::figures::in_words;
use super::lifetime::Lifetime;
use super::stage::nodes::Nodes;
use crate::interrupt;

/// Lets them live and die until Ctrl-C.
///
/// # Errors
/// Where a death or a coming back fails.
pub async fn live(play: &Play<'_>, lifetime: Lifetime, seed: Option<u64>) -> Result<()> {
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let end = interrupt::received()?;
    play.screen.line(format!("\nlives of {lifetime}, seed {seed}; Ctrl-C ends them"));
    let chance = fastrand::Rng::with_seed(seed);
    let lives = async {
        match play.stage.nodes() {
            Some(nodes) => nodes_live(play, nodes, lifetime, chance).await,
            None => pods_live(play, lifetime, chance).await,
        }
    };
    tokio::select! {
        result = lives => result,
        result = tell_each_goose(play) => result,
        () = end => Ok(()),
    }
}

async fn nodes_live(
    play: &Play<'_>,
    nodes: &Nodes,
    lifetime: Lifetime,
    mut chance: fastrand::Rng,
) -> Result<()> {
    let all = nodes.all();
    // A generator for each, so that the lives of one do not depend on when another's end.
    let lives = all.iter().map(|node| node_lives(play, nodes, node, lifetime, chance.fork()));
    join_all(lives).await.into_iter().collect()
}

async fn node_lives(
    play: &Play<'_>,
    nodes: &Nodes,
    node: &Node,
    lifetime: Lifetime,
    mut chance: fastrand::Rng,
) -> Result<()> {
    loop {
        tokio::time::sleep(lifetime.draw(&mut chance)).await;
        let away = DEATH.draw(&mut chance);
        let name = node.name();
        nodes.cut(name)?;
        if chance.bool() {
            for pod in pods_on(play, name) {
                // One that is just being started has nothing to kill yet.
                let _ = play.stage.kill(&pod).await;
            }
            play.screen.line(format!("† {name} crashes, and is cut off for {}", in_words(away)));
        } else {
            play.screen.line(format!("† {name} is cut off for {}", in_words(away)));
        }
        tokio::time::sleep(away).await;
        nodes.heal(name)?;
        play.screen.line(format!("+ {name} is back"));
    }
}

async fn pods_live(play: &Play<'_>, lifetime: Lifetime, mut chance: fastrand::Rng) -> Result<()> {
    loop {
        tokio::time::sleep(lifetime.draw(&mut chance) / 3).await;
        let pods: Vec<String> = play
            .observer
            .look(|seen| seen.members().iter().map(|member| member.pod.to_string()).collect());
        if let Some(pod) = chance.choice(pods) {
            play.screen.line(format!("† {pod}: {}", play.stage.kill_in_words()));
            // It may have gone by itself meanwhile.
            let _ = play.stage.kill(&pod).await;
        }
    }
}

async fn tell_each_goose(play: &Play<'_>) -> Result<()> {
    let mut last = play.observer.goose(FOREVER).await?;
    loop {
        let next = play.observer.goose_after(last.term, FOREVER).await?;
        let gap = play.observer.look(|seen| {
            let last = seen.history.last_goose(&last.uid);
            last.map(|answer| in_words(next.at.saturating_sub(answer.answered))).unwrap_or_default()
        });
        play.screen.line(format!("  {} is the Goose; nobody was for {gap}", next.pod));
        last = next;
    }
}

fn pods_on(play: &Play<'_>, node: &str) -> Vec<String> {
    play.observer.look(|seen| {
        let members =
            seen.members().into_iter().filter(|member| member.node.as_deref() == Some(node));
        members.map(|member| member.pod.to_string()).collect()
    })
}

/// How long a node is away: around the lease of 6 s, and less than what makes Kubernetes evict.
const DEATH: Lifetime = Lifetime::between(Duration::from_secs(4), Duration::from_secs(15));

const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
