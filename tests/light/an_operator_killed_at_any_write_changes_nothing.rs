//! The operator is killed at one of its writes, before the API server hears of it or before the
//! operator hears the answer. The next one brings the cluster to the same end, and nothing is made
//! or deleted twice.
//!
//! The life of a cluster is played once undisturbed, then once for each write that an operator is
//! killed at: at some, by seed, or with `EVERY_WRITE=all` at every one.

use std::env;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Error, Result, bail};
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
    let deaths = deaths(undisturbed.writes)?;
    let died = AtomicUsize::new(0);
    let lives = stream::iter(deaths.clone()).map(async |death| {
        let lived = live(&client, death, &undisturbed).await;
        let has_died = lived.with_context(|| death.again())?;
        died.fetch_add(has_died.into(), Ordering::Relaxed);
        Ok::<_, Error>(())
    });
    lives.buffer_unordered(LIVES_AT_ONCE).try_collect::<()>().await?;
    let (died, writes) = (died.into_inner(), undisturbed.writes);
    println!("     of {writes} writes, an operator was killed before or after {died}");
    // A life has a few writes more or less than another, as it happens.
    if died * 10 < deaths.len() * 9 {
        bail!("wanted an operator killed in {} lives, found {died}", deaths.len());
    }
    Ok(())
}

/// Plays the life once. Whether an operator died in it.
async fn live(client: &Client, death: Death, undisturbed: &Undisturbed) -> Result<bool> {
    let life = Life::begin(client).await?;
    let mut died = false;
    let doomed = Mischief { strike: Some((death.write, death.moment)), ..Mischief::default() };
    let doomed = Interposed::start(client, doomed, &life.namespace).await?;
    let next = async |struck: Interposed| {
        drop(struck);
        died = true;
        Interposed::start(client, Mischief::default(), &life.namespace).await
    };
    undisturbed.is_lived_again(&life, Leader::TheSame, doomed, next).await?;
    life.end().await?;
    Ok(died)
}

/// At which writes operators are to be killed.
fn deaths(writes: usize) -> Result<Vec<Death>> {
    if let Ok(one) = env::var("WRITE") {
        return Ok(vec![one.parse()?]);
    }
    let moments = [Moment::Before, Moment::After];
    let mut all: Vec<_> =
        (1..=writes).flat_map(|write| moments.map(|moment| Death { write, moment })).collect();
    if env::var("EVERY_WRITE").is_ok_and(|which| which == "all") {
        return Ok(all);
    }
    let seed = env::var("SEED").ok().map(|seed| seed.parse()).transpose().context("SEED")?;
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("     SEED={seed}, of {} ways to die {SAMPLE}", all.len());
    fastrand::Rng::with_seed(seed).shuffle(&mut all);
    all.truncate(SAMPLE);
    Ok(all)
}

/// Which write an operator is killed at.
#[derive(Clone, Copy, Debug)]
struct Death {
    /// Its number, from 1.
    write: usize,
    moment: Moment,
}

impl Death {
    /// How to see it again.
    fn again(self) -> String {
        format!("WRITE={self} cargo xtask test an_operator_killed_at_any_write")
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::After => "after",
        };
        write!(f, "{moment}:{}", self.write)
    }
}

impl FromStr for Death {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once(':').and_then(|(moment, write)| {
            let moment = match moment {
                "before" => Moment::Before,
                "after" => Moment::After,
                _ => return None,
            };
            Some(Self { write: write.parse().ok()?, moment })
        });
        parts.with_context(|| format!("wanted before:7 or after:7, found {text:?}"))
    }
}

/// For CI.
const SAMPLE: usize = 16;

/// They wait most of the time.
const LIVES_AT_ONCE: usize = 4;
