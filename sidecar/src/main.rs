//! The process in each pod: takes part in the election, and tells the role over HTTP.
//!
//! | file | what it does |
//! |---|---|
//! | `arguments` | what it is started for |
//! | `environment` | what the operator tells, and what is wrong with it |
//! | `termination_log` | says who runs here before the first write to the Lease |
//! | `standing` | what can be told at this moment |
//! | `changes` | what it was before |
//! | `metrics` | what is counted |
//! | `http` | tells it all |
//! | `log` | a line for each event that a person on call needs |
//! | `workload` | hooks and health: the workload's say in the role |
//! | `shared_folder`, `role_file` | the role for programs that do not speak HTTP |
//!
//! The workload's containers find the same program in the shared folder:
//!
//! | file | what it does |
//! |---|---|
//! | `role_command` | `duckgoose role`: what the role file says |
//! | `run` | `duckgoose run`: a command that runs only while the pod is the Goose |
//!
//! The kubelet runs it in the sidecar's own container, where it cannot ask by HTTP:
//!
//! | file | what it does |
//! |---|---|
//! | `probe_command` | `duckgoose probe`: whether the sidecar is well |

#[cfg(feature = "mutations")]
mod altered;
mod arguments;
mod changes;
mod environment;
mod http;
mod log;
mod metrics;
mod probe_command;
#[cfg(test)]
mod reference;
mod role_command;
mod role_file;
mod run;
mod shared_folder;
mod standing;
mod termination_log;
mod workload;

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
use role_file::Writer;
use standing::{Answers, Standing};
use workload::{Attendant, Watch};

fn main() -> ExitCode {
    match arguments::read(std::env::args_os().skip(1)) {
        Ok(Wish::Serve) => serve(),
        Ok(Wish::Tell(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Wish::ShowRole { file, json }) => role_command::show(&file, json),
        Ok(Wish::Probe { path }) => probe_command::ask(&environment().listen, path),
        Ok(Wish::Run { file, command }) => run::run(&file, &command),
        Ok(Wish::Exec { parent, command }) => run::become_command(&parent, &command),
        Err(refused) => {
            eprintln!("{refused}");
            ExitCode::from(2)
        }
    }
}

fn serve() -> ExitCode {
    log::start();
    match take_part_until_told_to_end() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One thread: a member is asked for its role by few, and must be small.
#[tokio::main(flavor = "current_thread")]
async fn take_part_until_told_to_end() -> anyhow::Result<()> {
    let environment = environment();
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let listeners = http::listen(&environment.listen)?;
    let standing = Arc::new(take_part(&environment));
    let front = front(&environment, &standing);
    share(&environment, &standing, front.changes());
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
        served = http::serve(listeners, front, Limits::default()) => served.context("cannot serve HTTP"),
        () = end => Ok(()),
    }
}

fn environment() -> Environment {
    Environment::read(|name| std::env::var(name).ok())
}

/// What HTTP answers with, kept up to date from here on.
fn front(environment: &Environment, standing: &Arc<Standing>) -> Front {
    let cluster = environment.member.as_ref().map_or("", |member| &member.cluster);
    let (changes, metrics) = (Arc::new(Changes::new()), Arc::new(Metrics::new(cluster)));
    if let (Standing::Member { elector, introduction, workload }, Ok(member)) =
        (standing.as_ref(), &environment.member)
    {
        let (pod, role) = (introduction.pod.clone(), Arc::new(elector.clone()));
        let (hooks, workload) = (member.hooks.clone(), Arc::clone(workload));
        let attendant = Attendant::new(role.clone(), workload.clone(), hooks, pod.clone());
        tokio::spawn(Arc::clone(&changes).follow(pod, attendant.events()));
        tokio::spawn(Arc::clone(&metrics).follow(attendant.events()));
        tokio::spawn(attendant.run(elector.events()));
        if let Some(check) = member.health_check.clone() {
            tokio::spawn(Watch::new(role, workload, check).run());
        }
    }
    Front::new(standing.clone(), changes, metrics, environment.handover)
}

/// Puts into the shared folder, if there is one, what the pod's other
/// containers find there.
fn share(environment: &Environment, standing: &Arc<Standing>, changes: &Changes) {
    let Some(folder) = &environment.folder else { return };
    // Before HTTP answers, so that the program is there when the workload starts.
    if let Err(error) = shared_folder::install(folder) {
        tracing::error!(%error, folder = %folder.display(), "cannot install this program");
    }
    let writer = Writer::new(folder);
    let standing: Arc<dyn Answers> = standing.clone();
    tokio::spawn(role_file::keep(writer, standing, environment.hold, changes.newest()));
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
