//! Three members of one contender, as processes, on one Lease.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use observer::{Goose, Observer};
use testbed::Cluster;

use crate::at_once::only_goose;
use crate::contender::Contender;
use crate::our_lease;
use crate::process::{Process, Told, pod_uid};
use crate::programs::Programs;

/// The members of one contender.
#[derive(Debug)]
pub struct Group {
    /// Whose they are.
    pub contender: Contender,
    members: Vec<Process>,
}

impl Group {
    /// Starts them. Who leads among them shows later.
    ///
    /// # Errors
    /// Where the Lease cannot be made, or one does not start.
    pub async fn start(
        cluster: &Cluster,
        programs: &Programs,
        contender: Contender,
    ) -> Result<Self> {
        let lease = contender.slug();
        let pods: Vec<_> = (0..MEMBERS).map(|index| format!("{lease}-{index}")).collect();
        make_lease(cluster, contender, &lease, &pods).await?;
        let members = pods.into_iter().map(|pod| {
            Process::start(Told {
                program: programs.sidecar(contender.kind),
                contender,
                kubeconfig: cluster.kubeconfig(),
                namespace: NAMESPACE.to_owned(),
                lease: lease.clone(),
                pod,
                crowd: None,
            })
        });
        Ok(Self { contender, members: members.collect::<Result<_>>()? })
    }

    /// Begins to ask all of them, and waits until each answers and exactly one is Goose.
    ///
    /// # Errors
    /// Where that does not come to be.
    pub async fn observe(&self) -> Result<(Observer, Goose)> {
        let addresses = self.members.iter().map(|one| (one.told.pod.clone(), one.address));
        let observer = Observer::of_processes(addresses.collect())?;
        let wanted = format!("{MEMBERS} members of {}, one of them alone Goose", self.contender);
        let goose = observer
            .until(&wanted, self.patience(), |seen| {
                let all = seen.members().iter().all(|member| seen.heard(member).is_some());
                only_goose(seen).filter(|_| all)
            })
            .await?;
        Ok((observer, goose))
    }

    /// The member of this name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn member(&mut self, pod: &str) -> Result<&mut Process> {
        let found = self.members.iter_mut().find(|one| one.told.pod == pod);
        found.with_context(|| format!("wanted the member {pod}, found none"))
    }

    /// The members.
    pub fn members(&self) -> &[Process] {
        &self.members
    }

    /// Longer than any of them takes to have another leader, on a busy machine.
    pub fn patience(&self) -> Duration {
        self.contender.lease * 3 + Duration::from_secs(30)
    }
}

async fn make_lease(
    cluster: &Cluster,
    contender: Contender,
    name: &str,
    pods: &[String],
) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(cluster.client().await?, NAMESPACE);
    if contender.is_ours() {
        let line: Vec<_> = pods.iter().map(|pod| pod_uid(pod)).collect();
        our_lease::make(&leases, name, contender.lease, &line).await?;
    }
    Ok(())
}

/// As many as most people run.
const MEMBERS: usize = 3;

/// Namespace of all that is measured.
pub const NAMESPACE: &str = "default";
