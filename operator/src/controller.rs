//! Which cluster is passed over, and when.

use std::convert::Infallible;
use std::sync::Arc;

use futures::channel::mpsc::UnboundedReceiver;
use futures::{FutureExt, StreamExt};
use kube::runtime::applier;
use kube::runtime::controller::{Action, Config, Error};

use crate::health::Health;
use crate::memory::Context;
use crate::reconcile::reconcile;
use crate::termination::{self, Terminated};
use crate::wake::Cluster;

/// Passes over each cluster that `wakes` names, until the process is to end; then finishes the
/// passes that are begun. Never two passes over one cluster at a time.
pub async fn run(
    context: Arc<Context>,
    wakes: UnboundedReceiver<Cluster>,
    health: &Health,
    terminated: Terminated,
) {
    health.waits_for("the first lists of all watches");
    tokio::select! {
        () = context.stores.wait_until_ready() => (),
        () = termination::wait(terminated.clone()) => return,
    }
    let tenure = context.tenure();
    tracing::info!(run = tenure.mark, inherited_pods = tenure.inherited.len(), "at work");
    health.ready();

    let clusters = context.stores.clusters.clone();
    let queue = wakes.map(Ok::<_, Infallible>).take_until(termination::wait(terminated));
    let config = Config::default().concurrency(PASSES_AT_ONCE);
    let pass = |cluster, context| reconcile(cluster, context).map(Ok::<_, Infallible>).boxed();
    let never = |_, failed: &Infallible, _| -> Action { match *failed {} };
    applier(pass, never, context.clone(), clusters, queue, config)
        .for_each(|passed| {
            if let Err(Error::ObjectNotFound(gone)) = passed {
                let namespace = gone.namespace.as_deref().unwrap_or_default();
                context.forget(namespace, &gone.name);
                context.stores.deaths.forget(namespace, &gone.name);
            }
            std::future::ready(())
        })
        .await;
}

/// Enough to keep one API server busy, and not so many that one cluster's label waits behind a
/// thousand others.
const PASSES_AT_ONCE: u16 = 32;
