//! The operator of `DuckGooseCluster`s.
//!
//! For each cluster it keeps the objects that its members need, their Lease, the label that tells
//! who is the Goose, and the status. It elects nobody: the members do that among themselves, also
//! while no operator runs.
//!
//! | module | what it holds |
//! |---|---|
//! | [`decide`] | the decisions, as pure functions |
//! | [`reconcile`] | one pass over one cluster: observe, decide, carry out |
//! | [`controller`] | which cluster is passed over when |
//! | [`leadership`], [`own_lease`] | which replica of the operator works |
//! | [`stores`], [`kept`], [`nodes`], [`wake`] | what the API server told, and which of it matters |
//! | [`id`] | by what a cluster is known |
//! | [`turns`] | which cluster takes another sidecar when |
//! | [`death`] | which holders were seen to live, and to die |
//! | [`reigns`] | how each Goose came to be |
//! | [`memory`] | what is remembered between two passes |
//! | [`telemetry`], [`spans`] | logs and traces |
//! | [`calls`], [`api_error`] | calls to the API server, and what their errors mean |

mod api_error;
mod arguments;
mod calls;
mod controller;
mod death;
mod decide;
mod definition;
mod events;
mod health;
mod id;
mod kept;
mod leadership;
mod memory;
mod nodes;
mod own_lease;
mod reconcile;
#[cfg(test)]
mod reference;
mod reigns;
mod spans;
mod stores;
mod telemetry;
mod termination;
mod turns;
mod wake;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use leadership::Leadership;
use memory::Context;
use spans::Traces;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let traces = arguments.otlp_endpoint().map(|collector| Traces::to(&collector)).transpose();
    let to = traces.as_ref().ok().and_then(Option::as_ref);
    telemetry::start(arguments.log_level, arguments.log_format, to);
    let ended = match traces {
        Ok(None) => run(arguments, false).await,
        Ok(Some(traces)) => {
            let ended = run(arguments, true).await;
            traces.end().await;
            ended
        }
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the operator cannot run");
            ExitCode::FAILURE
        }
    }
}

/// Works until told to end. `traced` calls tell the API server of their spans.
async fn run(arguments: Arguments, traced: bool) -> Result<(), CannotRun> {
    let terminated = termination::signal()?;
    let health = health::serve(arguments.listen).await?;
    let client = calls::connect().await?;
    let client = if traced { spans::telling_of_spans(client) } else { client };
    let scope = arguments.scope();
    definition::wait_for(&client, &scope, &health, terminated.clone()).await;
    let (stores, mut wakes) = stores::watch(&client, &scope);
    controller::get_ready(&stores, &health, terminated.clone()).await;
    let leadership = Leadership::stand(&client, arguments.own_pod())?;
    while let Some(won) = controller::wait_to_lead(&leadership, &mut wakes, &terminated).await {
        let context = Context::new(
            client.clone(),
            stores.clone(),
            arguments.sidecar_image(),
            arguments.max_sidecar_upgrades,
            won,
        );
        controller::lead(context, &leadership, &mut wakes, &terminated).await;
    }
    leadership.hand_over().await;
    Ok(())
}

/// Why the operator cannot run at all.
#[derive(Debug, thiserror::Error)]
enum CannotRun {
    #[error(transparent)]
    Health(#[from] health::NotServed),
    #[error(transparent)]
    Connection(#[from] calls::NotConfigured),
    #[error("wanted to be told of SIGTERM, but {0}")]
    Signal(#[from] std::io::Error),
    #[error(transparent)]
    Traces(#[from] spans::NotExported),
    #[error(transparent)]
    Identity(#[from] election::record::NotAnIncarnation),
}
