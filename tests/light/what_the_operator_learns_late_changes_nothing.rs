//! Watches hide what happens for a while, or break and begin anew; lists are as they were some writes
//! ago; and operators are killed now and then, so that the next one begins with such lists. The
//! cluster comes to the same end, whichever of its pods leads then, and nothing is made or deleted
//! twice.

use std::env;

use anyhow::{Context, Error, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use stage::Interposed;
use stage::interposer::{Mischief, Moment};
use stage::life::{Leader, Life, Undisturbed};
use stage::puppets::Puppets;
use testbed::Cluster;

pub async fn test(cluster: &Cluster) -> Result<()> {
    let client = cluster.client().await?;
    let _puppets = Puppets::play(client.clone());
    let undisturbed = Undisturbed::play(&client).await?;
    let lives = stream::iter(seeds()?).map(async |seed| {
        let again = || format!("SEED={seed} cargo xtask test what_the_operator_learns_late");
        live(&client, seed, &undisturbed).await.with_context(again)
    });
    let deceptions: Vec<_> = lives.buffer_unordered(LIVES_AT_ONCE).try_collect().await?;
    for (deceptions, what) in deceptions.into_iter().zip(1..) {
        println!("     life {what}: {deceptions:?}");
        ensure!(deceptions.past_lists > 0 && deceptions.blind_watches > 0, "wanted both");
    }
    Ok(())
}

/// How often the operators of a life were deceived.
#[derive(Debug, Default)]
struct Deceptions {
    operators: usize,
    past_lists: usize,
    blind_watches: usize,
}

impl Deceptions {
    fn count(&mut self, operator: &Interposed) {
        self.operators += 1;
        self.past_lists += operator.interposer.past_lists();
        self.blind_watches += operator.interposer.blinded();
    }
}

async fn live(client: &Client, seed: u64, undisturbed: &Undisturbed) -> Result<Deceptions> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut mischief = || Mischief {
        strike: Some((random.usize(FEW_WRITES..MANY_WRITES), Moment::After)),
        deceive: Some(random.u64(..)),
        ..Mischief::default()
    };
    let life = Life::begin(client).await?;
    let mut deceptions = Deceptions::default();
    let first = Interposed::start(client, mischief(), &life.namespace).await?;
    let next = async |struck: Interposed| {
        deceptions.count(&struck);
        drop(struck);
        Interposed::start(client, mischief(), &life.namespace).await
    };
    let last = undisturbed.is_lived_again(&life, Leader::Any, first, next).await?;
    deceptions.count(&last);
    life.end().await?;
    Ok(deceptions)
}

fn seeds() -> Result<Vec<u64>> {
    Ok(match env::var("SEED") {
        Ok(seed) => vec![seed.parse::<u64>().map_err(Error::from).context("SEED")?],
        Err(_) => (0..LIVES).map(|_| fastrand::u64(..)).collect(),
    })
}

const LIVES: usize = 4;

/// They wait most of the time.
const LIVES_AT_ONCE: usize = 4;

/// After how many writes an operator is killed, at the least and at the most.
const FEW_WRITES: usize = 8;
const MANY_WRITES: usize = 30;
