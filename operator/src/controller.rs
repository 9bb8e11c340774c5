//! Which cluster is passed over, and when.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use api::DuckGooseCluster;
use futures::channel::mpsc::UnboundedReceiver;
use futures::{FutureExt, StreamExt, stream};
use kube::ResourceExt;
use kube::runtime::applier;
use kube::runtime::controller::{Action, Config, Error};
use kube::runtime::reflector::ObjectRef;
use tracing::Instrument;

use crate::health::Health;
use crate::leadership::{Leadership, Won};
use crate::memory::Context;
use crate::reconcile::reconcile;
use crate::stores::Stores;
use crate::termination::{self, Terminated};
use crate::wake::Cluster;

/// Returns when all that there is was told, or when the process is to end.
pub async fn get_ready(stores: &Stores, health: &Health, terminated: Terminated) {
    health.waits_for("the first lists of all watches");
    tokio::select! {
        () = stores.wait_until_ready() => health.ready(),
        () = termination::wait(terminated) => (),
    }
}

/// Returns when this replica leads; `None` when the process is to end. Meanwhile somebody else
/// passes over the clusters that `wakes` names.
pub async fn wait_to_lead(
    leadership: &Leadership,
    wakes: &mut UnboundedReceiver<Cluster>,
    terminated: &Terminated,
) -> Option<Won> {
    let (mut won, mut ended) =
        (pin!(leadership.won()), pin!(termination::wait(terminated.clone())));
    loop {
        tokio::select! {
            biased;
            () = &mut ended => return None,
            won = &mut won => return Some(won),
            Some(_) = wakes.next() => (),
        }
    }
}

/// Passes over all clusters, and then over each one that `wakes` names, until this replica leads
/// no more, or the process is to end: then it finishes the passes that are begun. Never two passes
/// over one cluster at a time.
pub async fn lead(
    context: Arc<Context>,
    leadership: &Leadership,
    wakes: &mut UnboundedReceiver<Cluster>,
    terminated: &Terminated,
) {
    let tenure = context.tenure();
    tracing::info!(run = tenure.mark, inherited_pods = tenure.inherited.len(), "at work");
    let clusters = context.stores.clusters.clone();
    let all: Vec<_> =
        clusters.state().iter().map(|cluster| ObjectRef::from_obj(&**cluster)).collect();
    let queue = stream::iter(all).chain(wakes).map(Ok::<_, Infallible>);
    let queue = queue.take_until(termination::wait(terminated.clone()));
    let config = Config::default().concurrency(PASSES_AT_ONCE);
    let pass = |cluster: Arc<DuckGooseCluster>, context| {
        let (name, namespace) = (cluster.name_any(), cluster.namespace());
        let span = tracing::info_span!("pass", cluster = name, namespace);
        reconcile(cluster, context).instrument(span).map(Ok::<_, Infallible>).boxed()
    };
    let never = |_, failed: &Infallible, _| -> Action { match *failed {} };
    let passes =
        applier(pass, never, context.clone(), clusters, queue, config).for_each(|passed| {
            if let Err(Error::ObjectNotFound(gone)) = passed {
                let namespace = gone.namespace.as_deref().unwrap_or_default();
                context.forget(namespace, &gone.name);
                context.stores.deaths.forget(namespace, &gone.name);
                context.stores.reigns.forget(namespace, &gone.name);
            }
            std::future::ready(())
        });
    tokio::select! {
        () = passes => (),
        // What is begun is cut off: it is somebody else's now.
        () = leadership.lost() => tracing::warn!("another replica leads, or none: waiting"),
    }
}

/// Enough to keep one API server busy, and not so many that one cluster's label waits behind a
/// thousand others.
const PASSES_AT_ONCE: u16 = 32;
