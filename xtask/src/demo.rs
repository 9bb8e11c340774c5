//! `cargo xtask demo`: the first sight of it all.

mod acts;
mod figures;
mod lifetime;
mod lives;
mod stage;
mod table;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use api::names::{CLUSTER_LABEL, GOOSE, ROLE_LABEL};
use observer::Observer;
use tokio::task::JoinSet;

use self::acts::Play;
use self::figures::Figures;
pub use self::lifetime::Lifetime;
use self::stage::{Left, Stage};
use crate::cli::DemoOptions;
use crate::interrupt;
use crate::post_mortem;
use crate::screen::Screen;

/// Sets the stage, plays, sums up, and leaves the cluster up unless told otherwise.
///
/// # Errors
/// Where the stage cannot be set, something does not happen that should, two were Goose at one
/// time, or it was interrupted. What it has started is gone then.
pub async fn run(options: DemoOptions, screen: &Screen) -> Result<()> {
    screen.line(INTRODUCTION);
    let mut figures = Figures::new();
    let stage = interrupt::or(Stage::set(&options, &mut figures, screen)).await?;
    if let Some(words) = stage.leaves_out() {
        screen.line(format!("left out: {words}"));
    }
    let result = perform(&options, &stage, &mut figures, screen).await;
    if result.is_err() {
        post_mortem::tell(stage.clients(), screen).await;
    }
    let left = if result.is_err() || options.once || options.lifetime.is_some() {
        stage.clear().await?;
        None
    } else {
        stage.leave_up().await?
    };
    screen.line(match left {
        Some(left) => by_hand(&left),
        None => "\neverything that the demo had started is gone again".to_owned(),
    });
    result
}

async fn perform(
    options: &DemoOptions,
    stage: &Stage,
    figures: &mut Figures,
    screen: &Screen,
) -> Result<()> {
    let observer = Arc::new(Observer::start(stage.scope()).await?);
    let play = Play { stage, observer: &observer, screen };
    let mut shown = keep_shown(observer.clone(), screen);

    interrupt::or(play.begin()).await?;
    match options.lifetime {
        None => interrupt::or(play.acts(figures)).await?,
        Some(lifetime) => lives::live(&play, lifetime, options.seed).await?,
    }
    if screen.is_live() {
        shown.shutdown().await;
        screen.line(format!("\n{}", table::render(&observer)));
    }
    play.look_at_memory(figures);
    screen.line(format!("\n{}", observer.look(|seen| figures.render(seen))));
    let wrongs = observer.look(table::wrongs);
    if !wrongs.is_empty() {
        bail!("wanted never two Geese at one time, found:\n{}", wrongs.join("\n"));
    }
    Ok(())
}

/// The live table, for as long as the result is kept, where there is somebody who sees it change.
fn keep_shown(observer: Arc<Observer>, screen: &Screen) -> JoinSet<()> {
    let mut showing = JoinSet::new();
    if screen.is_live() {
        let live = screen.live();
        showing.spawn(async move {
            loop {
                live.show(format!("\n{}", table::render(&observer)));
                tokio::time::sleep(FRAME).await;
            }
        });
    }
    showing
}

fn by_hand(left: &Left) -> String {
    let Left { exports, end } = left;
    format!(
        "
The cluster stays up. To go on by hand:

{exports}
  kubectl get dgc {CLUSTER} --watch
  kubectl delete pod -l {CLUSTER_LABEL}={CLUSTER},{ROLE_LABEL}={GOOSE}
  kubectl scale dgc/{CLUSTER} --replicas=7

and in the end: {end}"
    )
}

const INTRODUCTION: &str = "\
DuckDuckGoose: of a set of pods one is the Goose, all others are Ducks, and there are never two Geese.
You will see it on a real Kubernetes: the Goose handed over, killed, cut off; the set scaled. Once all
is built this takes two minutes.
";

/// The example cluster, as in manifests/samples/pond.yaml.
const CLUSTER: &str = "pond";

/// Ten a second look alive, and cost nothing.
const FRAME: Duration = Duration::from_millis(100);
