//! The process in each pod: takes part in the election, and tells the role over HTTP.
//!
//! | file | what it does |
//! |---|---|
//! | `arguments` | `--help` and `--version`; all else is environment |
//! | `environment` | what the operator tells, and what is wrong with it |
//! | `termination_log` | says who runs here before the first write to the Lease |
//! | `standing` | what can be told at this moment |
//! | `changes` | what it was before |
//! | `metrics` | what is counted |
//! | `http` | tells it all |
//! | `log` | a line for each event that a person on call needs |

mod arguments;
mod changes;
mod environment;
mod http;
mod log;
mod metrics;
mod standing;
mod termination_log;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use election::timing::LONGEST_LEASE;
use tokio::signal::unix::{SignalKind, signal};

use arguments::Wish;
use changes::Changes;
use environment::Environment;
use http::{Front, Limits};
use metrics::Metrics;
use standing::Standing;

fn main() -> ExitCode {
    match arguments::read(std::env::args().skip(1)) {
        Ok(Wish::Run) => {}
        Ok(Wish::Tell(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(refused) => {
            eprintln!("{refused}");
            return ExitCode::from(2);
        }
    }
    log::start();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One thread: a member is asked for its role by few, and must be small.
#[tokio::main(flavor = "current_thread")]
async fn run() -> anyhow::Result<()> {
    let environment = Environment::read(|name| std::env::var(name).ok());
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let listener = http::listen(&environment.listen)?;
    let standing = Arc::new(take_part(&environment));
    let front = front(&environment, &standing);
    let end = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to end: handing over");
        // Answers go on meanwhile. A tenure is over after one lease in any case.
        standing.leave(LONGEST_LEASE).await;
    };
    tokio::select! {
        served = http::serve(listener, front, Limits::default()) => served.context("cannot serve HTTP"),
        () = end => Ok(()),
    }
}

/// What HTTP answers with, kept up to date from here on.
fn front(environment: &Environment, standing: &Arc<Standing>) -> Front {
    let cluster = environment.member.as_ref().map_or("", |member| &member.cluster);
    let (changes, metrics) = (Arc::new(Changes::new()), Arc::new(Metrics::new(cluster)));
    if let Standing::Member { elector, introduction } = standing.as_ref() {
        let pod = introduction.pod.clone();
        tokio::spawn(Arc::clone(&changes).follow(pod, elector.events()));
        tokio::spawn(Arc::clone(&metrics).follow(elector.events()));
    }
    Front::new(standing.clone(), changes, metrics, environment.handover)
}

/// A pod that was told too little cannot mend that: it says what is missing for
/// as long as it runs, and is a Duck.
fn take_part(environment: &Environment) -> Standing {
    match &environment.member {
        Ok(member) => {
            termination_log::write(&environment.termination_log, &member.incarnation);
            let standing = Standing::join(member);
            log::follow(&standing);
            standing
        }
        Err(missing) => {
            tracing::error!("{missing}");
            Standing::Outside { why: missing.to_string() }
        }
    }
}
