//! Many members, as tasks of few processes, each with a connection of its own.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::future::join_all;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use serde::Deserialize;
use testbed::Cluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::contender::Contender;
use crate::group::NAMESPACE;
use crate::our_lease;
use crate::process::{Crowd as Size, Process, Told, pod_uid};
use crate::programs::Programs;

/// Processes with many members. They end when this is dropped.
#[derive(Debug)]
pub struct Crowd {
    processes: Vec<Process>,
    patience: Duration,
}

/// What one process says of its members.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Said {
    term: Option<u64>,
    geese: usize,
}

impl Crowd {
    /// So many Leases, each with so many members.
    ///
    /// # Errors
    /// Where a Lease cannot be made or a process does not start.
    pub async fn start(
        cluster: &Cluster,
        programs: &Programs,
        contender: Contender,
        leases: usize,
        members: usize,
    ) -> Result<Self> {
        let name = format!("{}-{leases}-{members}", contender.slug());
        let mut processes = Vec::new();
        for (index, size) in shares(leases, members).into_iter().enumerate() {
            // Leases are shared out among the processes where there are many, members where there is one.
            let lease = if leases > 1 { format!("{name}-{index}") } else { name.clone() };
            let pod = format!("{name}-{index}");
            if contender.is_ours() && (leases > 1 || index == 0) {
                make_leases(cluster, contender, &lease, &pod, size).await?;
            }
            processes.push(Process::start(Told {
                program: programs.crowd(contender.kind),
                contender,
                kubeconfig: cluster.kubeconfig(),
                namespace: NAMESPACE.to_owned(),
                lease,
                pod,
                crowd: Some(size),
            })?);
        }
        let patience = contender.lease * 4 + Duration::from_secs(120);
        let crowd = Self { processes, patience };
        crowd.until_led(leases).await?;
        Ok(crowd)
    }

    /// Asks whoever leads to hand over, and waits until somebody leads in a later term.
    ///
    /// # Errors
    /// Where nobody does.
    pub async fn hand_over(&self) -> Result<()> {
        let before = self.last_term().await;
        for process in &self.processes {
            request(process.address, "POST /handover").await?;
        }
        let until = Instant::now() + self.patience;
        while Instant::now() < until {
            if self.last_term().await > before {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        bail!("wanted a later term than {before:?} within {:?}", self.patience)
    }

    async fn until_led(&self, leases: usize) -> Result<()> {
        let until = Instant::now() + self.patience;
        let mut geese = 0;
        while Instant::now() < until {
            geese = self.said().await.iter().map(|said| said.geese).sum();
            if geese == leases {
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
        bail!("wanted {leases} Leases led, found {geese} within {:?}", self.patience)
    }

    async fn last_term(&self) -> Option<u64> {
        self.said().await.iter().filter_map(|said| said.term).max()
    }

    /// Of those that answer: some may still be starting.
    async fn said(&self) -> Vec<Said> {
        let answers = self.processes.iter().map(|process| request(process.address, "GET /role"));
        let answers = join_all(answers).await.into_iter().flatten();
        answers.filter_map(|body| serde_json::from_str(&body).ok()).collect()
    }
}

/// How many Leases and members each process has.
fn shares(leases: usize, members: usize) -> Vec<Size> {
    let (whole, most) = if leases > 1 {
        (leases, (MOST_MEMBERS / members).max(1))
    } else {
        (members, MOST_MEMBERS)
    };
    let parts = whole.div_ceil(most);
    let share = |part| whole * (part + 1) / parts - whole * part / parts;
    (0..parts)
        .map(|part| match leases {
            1 => Size { leases, members: share(part) },
            _ => Size { leases: share(part), members },
        })
        .collect()
}

async fn make_leases(
    cluster: &Cluster,
    contender: Contender,
    name: &str,
    pod: &str,
    size: Size,
) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(cluster.client().await?, NAMESPACE);
    for index in 0..size.leases {
        // Named as bench_front names them.
        let name = if size.leases > 1 { format!("{name}-{index}") } else { name.to_owned() };
        let line =
            (0..size.members.min(LINE)).map(|member| pod_uid(&format!("{pod}-{index}-{member}")));
        our_lease::make(&leases, &name, contender.lease, &line.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// The body of the answer.
async fn request(address: SocketAddr, what: &str) -> Result<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(format!("{what} HTTP/1.0\r\ncontent-length: 0\r\n\r\n").as_bytes())
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (_, body) = answer.split_once("\r\n\r\n").context("wanted a head and a body")?;
        Ok(body.to_owned())
    };
    timeout(Duration::from_secs(5), exchange).await?
}

/// In one process.
const MOST_MEMBERS: usize = 250;

/// As many successors as the operator names.
const LINE: usize = 4;

const PAUSE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_one_lease_are_shared_out_among_processes() {
        let members = |all| shares(1, all).iter().map(|size| size.members).collect::<Vec<_>>();
        assert_eq!(members(3), [3]);
        assert_eq!(members(300), [150, 150]);
        assert_eq!(members(1000), [250, 250, 250, 250]);
    }

    #[test]
    fn leases_stay_whole() {
        let sizes = shares(300, 3);
        assert_eq!(sizes.iter().map(|size| size.leases).sum::<usize>(), 300);
        assert!(sizes.iter().all(|size| size.members == 3 && size.leases <= 83), "{sizes:?}");
    }
}
