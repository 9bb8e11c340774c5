//! The Goose's process killed, all members being processes: nobody can confirm the death, so the lease is waited
//! out.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use testbed::Cluster;
use tokio::time::sleep;

use crate::at_once::{see_the_end, two_at_once};
use crate::contender::Contender;
use crate::group::{Group, NAMESPACE};
use crate::milliseconds;
use crate::section::Goal;

/// What one kill was followed by, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Killed {
    /// From the kill to another Goose's answer.
    pub since_kill: f64,
    /// From the last renewal that the killed one sent to another Goose's answer.
    pub since_renewal: f64,
    /// For how long two were Goose.
    pub two_at_once: f64,
}

/// One kill.
///
/// # Errors
/// Where nobody takes over, or the Lease cannot be read.
pub async fn measure(cluster: &Cluster, group: &mut Group) -> Result<Killed> {
    let leases: Api<Lease> = Api::namespaced(cluster.client().await?, NAMESPACE);
    let (mut observer, goose) = group.observe().await?;
    // Renewals are hit at any moment.
    sleep(group.contender.lease.mul_f64(fastrand::f64() / 3.0)).await;
    let killed = observer.now();
    group.member(&goose.pod)?.kill()?;
    sleep(ON_THE_WAY).await;
    let renewed = renewed(&leases, &group.contender.slug()).await?;
    // It may have been before the observation began.
    let renewed_before_kill =
        SystemTime::now().duration_since(renewed)?.saturating_sub(observer.now() - killed);
    let next = observer.goose_after(goose.term, group.patience()).await?;
    see_the_end(&observer, group.contender.lease * 2).await;
    let history = observer.stop();
    group.member(&goose.pod)?.live_again().await?;
    Ok(Killed {
        since_kill: milliseconds(next.at - killed),
        since_renewal: milliseconds(renewed_before_kill + (next.at - killed)),
        two_at_once: milliseconds(two_at_once(&history)),
    })
}

/// When the holder says that it sent its last renewal: by the wall clock of this machine, which is ours, too.
async fn renewed(leases: &Api<Lease>, name: &str) -> Result<SystemTime> {
    let spec = leases.get(name).await?.spec.unwrap_or_default();
    Ok(spec.renew_time.context("wanted a renewal in the Lease, found none")?.0.into())
}

/// A renewal that had been sent when the process died has arrived by then.
const ON_THE_WAY: Duration = Duration::from_millis(100);

/// Of issue 8: with a lease of 15 s never later than 15.05 s after its last renewal.
pub fn goal(contender: Contender) -> Option<Goal> {
    let margin = Duration::from_millis(50);
    let goal = Goal { greatest: Some(milliseconds(contender.lease + margin)), ..Goal::default() };
    contender.is_ours().then_some(goal)
}

/// For readers of the report.
pub const SINCE_KILL: &str = "SIGKILL to the Goose's process, until another member answers that it is Goose. Members \
    are processes, and no operator runs: nobody can confirm the death. All contenders at once, each asked 200 times a \
    second. It depends on when in its renewals the Goose is hit.";

/// For readers of the report.
pub const SINCE_RENEWAL: &str =
    "The same kills, from the time that the Lease has for the last renewal.";
