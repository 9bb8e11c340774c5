//! Rule 10: the Goose's process is killed, under a lease of half a minute. Its pod says so, the
//! operator releases the Lease, and another is Goose at once.

use std::time::Duration;

use anyhow::{Result, ensure};
use stage::{Stage, Wanted};
use tokio::time::sleep;

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted { lease: LEASE, renewal: RENEWAL, ..Wanted::pods(3) };
    let (pond, goose) = stage.pond(&wanted).await?;
    // The operator goes by a death only where it has seen the dead one renew.
    sleep(2 * RENEWAL).await;
    let killed = pond.observer.now();
    stage.kubelet().kill(&goose.pod)?;

    let next = pond.goose_after(&goose).await?;
    stage.figure("another Goose after", next.at - killed);
    ensure!(next.uid != goose.uid, "the dead one was faster: {next:?}");
    ensure!(next.at - killed < AT_ONCE, "wanted no wait for the lease of {LEASE:?}");
    let last = pond.settled(3).await?;
    ensure!(last.term == next.term, "wanted {next:?} to go on, found {last:?}");
    pond.judge()?;
    Ok(())
}

const LEASE: Duration = Duration::from_secs(30);

const RENEWAL: Duration = Duration::from_secs(1);

/// Far from a lease, on a machine that is busy with other things.
const AT_ONCE: Duration = Duration::from_secs(5);
