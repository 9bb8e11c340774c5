//! Hand-over: SIGTERM to the Goose's sidecar, until another answers that it is Goose.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use crate::at_once::{see_the_end, two_at_once};
use crate::group::Group;
use crate::milliseconds;
use crate::section::Goal;

/// One hand-over: how long it took, and for how long two were Goose, in milliseconds.
///
/// # Errors
/// Where nobody takes over.
pub async fn measure(group: &mut Group) -> Result<(f64, f64)> {
    let (mut observer, goose) = group.observe().await?;
    for member in group.members() {
        observer.crowd(&member.told.pod, MORE_CONNECTIONS, group.patience());
    }
    // The connections are made, and renewals are hit at any moment.
    sleep(Duration::from_millis(fastrand::u64(200..1200))).await;
    let asked = observer.now();
    group.member(&goose.pod)?.terminate()?;
    let next = observer.goose_after(goose.term, group.patience()).await?;
    see_the_end(&observer, group.contender.lease * 2).await;
    let history = observer.stop();
    group.member(&goose.pod)?.live_again().await?;
    Ok((milliseconds(next.at - asked), milliseconds(two_at_once(&history))))
}

/// Each connection asks 200 times a second: five of them ask every millisecond.
const MORE_CONNECTIONS: usize = 4;

/// Of issue 8: two writes and an event take about 8 ms.
pub const GOAL: Goal = Goal { median: Some(15.0), p99: Some(60.0), greatest: None };

/// For readers of the report.
pub const HOW: &str = "SIGTERM to the Goose's sidecar, until another member answers that it is Goose. Members are \
    processes; each is asked about 1,000 times a second, so a figure is up to some 1 ms too long.";
