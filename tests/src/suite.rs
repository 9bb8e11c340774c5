//! Lists the tests of a tier and runs them, two at a time or one alone.

use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use testbed::{Cluster, Options, Tier};
use tokio::runtime::Runtime;

use crate::eventually;
use crate::stage::{self, Stage};
use crate::theatre::{self, Theatre};

/// The tests of one tier, in the order in which they begin.
pub struct Suite {
    theatre: Arc<Theatre>,
    trials: Vec<Trial>,
}

impl Suite {
    /// No test yet.
    pub fn on(tier: Tier) -> Self {
        Self { theatre: Arc::new(Theatre::new(tier)), trials: Vec::new() }
    }

    /// A test that keeps to its namespace.
    #[must_use]
    pub fn beside_others(self, (name, test): (&'static str, impl Test)) -> Self {
        self.with(name, move |theatre| {
            let _turn = theatre.turns.read().unwrap_or_else(PoisonError::into_inner);
            run(name, test, theatre)
        })
    }

    /// A test that disturbs what all others stand on: a node, the API server, the operator.
    #[must_use]
    pub fn alone(self, (name, test): (&'static str, impl Test)) -> Self {
        self.with(name, move |theatre| {
            let _turn = theatre.turns.write().unwrap_or_else(PoisonError::into_inner);
            run(name, test, theatre)
        })
    }

    /// A test of the operator alone, which brings an API server of its own.
    #[must_use]
    pub fn apart(self, (name, test): (&'static str, impl TestApart)) -> Self {
        self.with(name, move |theatre| {
            let _turn = theatre.turns.read().unwrap_or_else(PoisonError::into_inner);
            runtime()?.block_on(async {
                let cluster = Cluster::start(Options::light(own_name())).await?;
                theatre::define(&cluster).await?;
                test(&cluster).await?;
                Ok(cluster.down().await?)
            })
        })
    }

    /// Runs them as the command line says, and sees to it that nothing is left of them.
    pub fn run(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        // More do not make two cores faster.
        arguments.test_threads.get_or_insert(2);
        let conclusion = libtest_mimic::run(&arguments, self.trials);
        let cleared = clear(&self.theatre);
        self.theatre.close();
        if let Err(error) = cleared {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
        conclusion.exit_code()
    }

    fn with(
        mut self,
        name: &'static str,
        run: impl FnOnce(&Arc<Theatre>) -> Result<()> + Send + 'static,
    ) -> Self {
        let theatre = self.theatre.clone();
        self.trials.push(Trial::test(name, move || {
            run(&theatre).map_err(|error| Failed::from(format!("{error:#}")))
        }));
        self
    }
}

/// The test that is in the file of this name, with that name.
#[macro_export]
macro_rules! test_of {
    ($file:ident) => {
        (stringify!($file), $file::test)
    };
}

/// What a file of a test has in it.
pub trait Test: AsyncFnOnce(&Stage) -> Result<()> + Send + 'static {}

impl<Function: AsyncFnOnce(&Stage) -> Result<()> + Send + 'static> Test for Function {}

/// What a file of a test has in it that stands apart.
pub trait TestApart: AsyncFnOnce(&Cluster) -> Result<()> + Send + 'static {}

impl<Function: AsyncFnOnce(&Cluster) -> Result<()> + Send + 'static> TestApart for Function {}

fn run(name: &'static str, test: impl Test, theatre: &Arc<Theatre>) -> Result<()> {
    runtime()?.block_on(stage::play(name, test, theatre))
}

/// The namespaces are on their way out already: waits until they are gone.
fn clear(theatre: &Theatre) -> Result<()> {
    // No test has attached, as with `--list`.
    let Some(cluster) = theatre.attached() else { return Ok(()) };
    runtime()?.block_on(async {
        let client = cluster.client().await?;
        eventually("all namespaces of tests gone", LEAVING, async || {
            stage::none_is_left(&client).await
        })
        .await
    })
}

/// No two clusters of a machine have the same.
fn own_name() -> String {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    format!("ddg-{}-{}", process::id(), STARTED.fetch_add(1, Ordering::Relaxed))
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

const LEAVING: Duration = Duration::from_secs(90);
