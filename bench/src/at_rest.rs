//! What is used while nothing happens: by one sidecar, by the API server, and in requests.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testbed::{Cluster, Component};
use tokio::time::sleep;

use crate::group::Group;
use crate::requests::Requests;
use crate::usage;

/// What one sidecar uses.
#[derive(Clone, Copy, Debug)]
pub struct Sidecar {
    /// Resident, in mebibytes.
    pub memory: f64,
    /// Thousandths of a processor.
    pub cpu: f64,
}

/// What the control plane is asked and uses.
#[derive(Clone, Copy, Debug)]
pub struct ControlPlane {
    /// Requests for Leases, a second.
    pub requests: f64,
    /// Thousandths of a processor that the API server uses.
    pub apiserver: f64,
    /// Thousandths of a processor that etcd uses.
    pub etcd: f64,
}

/// Looks at all sidecars of these groups over a window. In the order of the groups and their members.
///
/// # Errors
/// Where one has ended.
pub async fn sidecars(groups: &[Group], window: Duration) -> Result<Vec<Vec<Sidecar>>> {
    let pids = groups.iter().map(|group| group.members().iter().map(|one| one.pid()).collect());
    let pids = pids.collect::<Result<Vec<Vec<u32>>>>()?;
    let ran = |pid: &u32| usage::ran(*pid);
    let all = || pids.iter().flatten();
    let (started, before) = (Instant::now(), all().map(ran).collect::<Result<Vec<_>>>()?);
    sleep(window).await;
    let (passed, mut before) = (started.elapsed(), before.into_iter());
    let look = |pid: &u32| {
        let before = before.next().context("as many as before")?;
        let cpu = millicores(usage::ran(*pid)?.saturating_sub(before), passed);
        Ok(Sidecar { memory: usage::resident(*pid)? as f64 / f64::from(1 << 20), cpu })
    };
    let seen: Vec<_> = all().map(look).collect::<Result<_>>()?;
    Ok(seen.chunks(pids.first().map_or(1, Vec::len)).map(<[_]>::to_vec).collect())
}

/// Looks at the control plane over a window.
///
/// # Errors
/// Where the API server does not tell.
pub async fn control_plane(cluster: &Cluster, window: Duration) -> Result<ControlPlane> {
    let client = cluster.client().await?;
    let pid = |component: Component| component.pid().context("wanted it running");
    let pids = [pid(cluster.apiserver())?, pid(cluster.etcd())?];
    let requests = Requests::so_far(&client).await?;
    let (started, before) = (Instant::now(), pids.map(usage::ran));
    sleep(window).await;
    let (passed, after) = (started.elapsed(), pids.map(usage::ran));
    let requests = Requests::so_far(&client).await?.since(requests);
    let [apiserver, etcd] = [0, 1].map(|index| {
        let ran = |at: &[Result<Duration>; 2]| at[index].as_ref().copied().unwrap_or_default();
        millicores(ran(&after).saturating_sub(ran(&before)), passed)
    });
    Ok(ControlPlane { requests: requests.all / passed.as_secs_f64(), apiserver, etcd })
}

impl ControlPlane {
    /// What came on top of what there is without members.
    #[must_use]
    pub fn above(self, without: Self) -> Self {
        Self {
            requests: self.requests - without.requests,
            apiserver: self.apiserver - without.apiserver,
            etcd: self.etcd - without.etcd,
        }
    }
}

fn millicores(ran: Duration, passed: Duration) -> f64 {
    ran.as_secs_f64() / passed.as_secs_f64() * 1000.0
}
