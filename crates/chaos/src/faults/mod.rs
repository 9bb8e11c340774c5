//! What each fault does: it is injected, lasts, and is healed, in one function.
//!
//! | file | faults of |
//! |---|---|
//! | `processes` | one member's processes |
//! | `network` | one node's network, or one pod's |
//! | `server` | the API server and etcd |
//! | `credentials` | tokens and certificates |
//! | `refusals` | the API server's answers to the sidecars |
//! | `tenant` | the API server, by another who uses it |
//! | `lease` | the Lease |
//! | `operator` | the operator |
//! | `wishes` | what a user wants, all at once |

mod credentials;
mod lease;
mod network;
mod operator;
mod processes;
mod refusals;
mod server;
mod tenant;
mod wishes;

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::LocalBoxFuture;
use tokio::time::sleep;

use crate::fault::Fault;
use crate::scene::Scene;
use crate::schedule::Planned;

/// Injects one fault, lets it last, and heals it.
///
/// # Errors
/// Where it could not be injected, or not be healed.
pub async fn commit(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    sleep(planned.after).await;
    let limit = planned.lasts * 2 + HEALING;
    let done = tokio::time::timeout(limit, act(planned, scene)).await;
    done.with_context(|| format!("not healed after {} s", limit.as_secs()))?
}

/// Each in a box: the state of the largest is large.
fn act<'a>(planned: &'a Planned, scene: &'a Scene<'_>) -> LocalBoxFuture<'a, Result<()>> {
    match planned.fault {
        Fault::Killed => Box::pin(processes::kill(planned, scene)),
        Fault::AllKilled => Box::pin(processes::kill_all(planned, scene)),
        Fault::CrashLooping => Box::pin(processes::crash_loop(planned, scene)),
        Fault::Frozen => Box::pin(processes::freeze(planned, scene)),
        Fault::Paused => Box::pin(processes::pause(planned, scene)),
        Fault::Throttled => Box::pin(processes::throttle(planned, scene)),
        Fault::NodeCut => Box::pin(network::cut(planned, scene)),
        Fault::NodeDeaf => Box::pin(network::deafen(planned, scene)),
        Fault::NodeMute => Box::pin(network::mute(planned, scene)),
        Fault::NodeFlapping => Box::pin(network::flap(planned, scene)),
        Fault::BlackHole => Box::pin(network::black_hole(planned, scene)),
        Fault::PodForceDeleted => Box::pin(network::force_delete(planned, scene)),
        Fault::AnswersDelayed => Box::pin(server::delay_answers(planned, scene)),
        Fault::ApiKilled => Box::pin(server::kill(planned, scene)),
        Fault::ApiFrozen => Box::pin(server::freeze(planned, scene)),
        Fault::ApiRestarted => Box::pin(server::restart(scene)),
        Fault::EtcdKilled => Box::pin(server::kill_etcd(planned, scene)),
        Fault::EtcdMemberKilled => Box::pin(server::kill_etcd_follower(planned, scene)),
        Fault::EtcdLeaderKilled => Box::pin(server::kill_etcd_leader(planned, scene)),
        Fault::EtcdSlow => Box::pin(server::slow_etcd(planned, scene)),
        Fault::TokensRotated => Box::pin(credentials::rotate_tokens(scene)),
        Fault::AuthorityRotated => Box::pin(credentials::rotate_authority(scene)),
        Fault::TooManyRequests => Box::pin(refusals::too_many_requests(planned, scene)),
        Fault::WritesFail => Box::pin(refusals::writes_fail(planned, scene)),
        Fault::WritesDenied => Box::pin(refusals::writes_denied(planned, scene)),
        Fault::GreedyTenant => Box::pin(tenant::flood(planned, scene)),
        Fault::GreedUnschemed => Box::pin(tenant::flood_without_schema(planned, scene)),
        Fault::LeaseDeleted => Box::pin(lease::delete(scene)),
        Fault::MirrorEdited => Box::pin(lease::edit_mirror(planned, scene)),
        Fault::RecordEdited => Box::pin(lease::edit_record(planned, scene)),
        Fault::RecordGarbled => Box::pin(lease::garble(planned, scene)),
        Fault::LeaseRestored => Box::pin(lease::restore(planned, scene)),
        Fault::LeaseMadeAnew => Box::pin(lease::make_anew(planned, scene)),
        Fault::PodDeleted => Box::pin(processes::delete(planned, scene)),
        Fault::OperatorAbsent => Box::pin(operator::leave(planned, scene)),
        Fault::OperatorFrozen => Box::pin(operator::freeze(planned, scene)),
        Fault::HandOvers => Box::pin(wishes::hand_over(planned, scene)),
        Fault::ScaleStorm => Box::pin(wishes::scale(planned, scene)),
        Fault::Rollout => Box::pin(wishes::roll_out(planned, scene)),
    }
}

/// Does it again and again until it succeeds: whoever heals may have to wait until another has.
async fn insist<T>(mut work: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut last = None;
    for _ in 0..TRIES {
        match tokio::time::timeout(PATIENCE, work()).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => last = Some(error),
            Err(_) => {}
        }
        sleep(BETWEEN_TRIES).await;
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("wanted an answer, found none")))
}

/// For an API server that has to start first.
const HEALING: Duration = Duration::from_secs(90);

const TRIES: usize = 120;

const BETWEEN_TRIES: Duration = Duration::from_millis(250);

const PATIENCE: Duration = Duration::from_secs(5);
