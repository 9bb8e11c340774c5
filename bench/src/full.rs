//! What is measured of pods, on a cluster with nodes.

use std::path::{Path, PathBuf};

use anyhow::Result;
use futures::future::try_join_all;
use testbed::{Cluster, Image};

use crate::contender::{Contender, Kind};
use crate::faults::{Fault, Outcome};
use crate::manifests;
use crate::pods::Pods;
use crate::sample::Sample;
use crate::section::{Goal, Row, Section, Unit};

/// Where pods are measured, how often, and who is told how it goes.
pub struct Full<'a> {
    /// A cluster with three nodes, with our operator on it.
    pub cluster: &'a Cluster,
    /// How often each contender has its turn.
    pub rounds: usize,
    /// Who is told.
    pub say: &'a (dyn Fn(&str) + Sync),
}

impl Full<'_> {
    /// Makes three pods of each contender.
    ///
    /// # Errors
    /// Where the API server refuses something.
    pub async fn pods(&self) -> Result<Vec<Pods<'_>>> {
        try_join_all(Contender::ALL.map(|one| Pods::make(self.cluster, one))).await
    }

    /// Lets the contenders take turns at one fault.
    ///
    /// # Errors
    /// Where somebody does not take over.
    pub async fn measure(&self, fault: Fault, all: &[Pods<'_>]) -> Result<Vec<Section>> {
        let mut measured: Vec<Vec<Outcome>> = vec![Vec::new(); all.len()];
        for round in 1..=self.rounds {
            for (pods, outcomes) in all.iter().zip(&mut measured) {
                let outcome = fault.measure(pods).await?;
                let (title, took) = (fault.title(), Unit::Milliseconds.tell(outcome.took));
                (self.say)(&format!(
                    "  {title}, {round}/{}: {}: {took}",
                    self.rounds, pods.contender
                ));
                outcomes.push(outcome);
            }
        }
        let all = || all.iter().map(|pods| pods.contender).zip(&measured);
        let rows = all().map(|(contender, outcomes)| Row {
            who: contender.to_string(),
            sample: outcomes.iter().map(|it| it.took).collect(),
            two_at_once: Some(outcomes.iter().map(|it| it.two_at_once).collect()),
            goal: fault.goal().filter(|_| contender == Contender::new(Kind::Ours, 6)),
        });
        let mut sections =
            vec![Section::new(fault.title(), fault.how(), Unit::Milliseconds, rows.collect())];
        let service = all().filter_map(|(contender, outcomes)| {
            let sample: Sample = outcomes.iter().filter_map(|it| it.service).collect();
            let goal = Some(Goal { p99: Some(150.0), ..Goal::default() });
            let row = Row { who: contender.to_string(), sample, two_at_once: None, goal };
            (row.sample.runs() > 0).then_some(row)
        });
        let service: Vec<_> = service.collect();
        if !service.is_empty() {
            sections.push(Section::new(
                "Hand-over, by the Goose's Service",
                SERVICE,
                Unit::Milliseconds,
                service,
            ));
        }
        Ok(sections)
    }
}

impl Fault {
    fn title(self) -> &'static str {
        match self {
            Self::HandOver => "Hand-over, in pods",
            Self::Killed => "All containers of the Goose's pod killed",
            Self::Evicted => "Goose's node drained",
            Self::CutOff => "Goose's node cut off",
        }
    }

    fn how(self) -> &'static str {
        match self {
            Self::HandOver => {
                "SIGTERM to the sidecar's container, until another term's Goose answers. etcd syncs to disk here."
            }
            Self::Killed => {
                "SIGKILL to the main process of every container of the pod, until another term's Goose answers: \
                 another pod's, or the same one's after its restart."
            }
            Self::Evicted => {
                "As `kubectl drain` does it: the node is cordoned, and the pod evicted, again every 100 ms while a \
                 disruption budget forbids it; from the cordon until another term's Goose answers. Ours has a budget \
                 for the Goose, and hands over at the cordon."
            }
            Self::CutOff => {
                "No packet goes in or out of the node, until another pod's Goose answers. The isolated one is asked \
                 all along, from inside its node."
            }
        }
    }

    /// Of ours with the default lease, as issue 8 has it.
    fn goal(self) -> Option<Goal> {
        (self == Self::Killed).then_some(Goal { median: Some(1500.0), ..Goal::default() })
    }
}

/// Writes the image of a contender's sidecar, and returns where it is.
///
/// # Errors
/// Where the program cannot be read or the image cannot be written.
pub fn image(sidecar: &Path, kind: Kind, folder: &Path) -> Result<PathBuf> {
    let archive = folder.join(format!("{}.tar", kind.slug()));
    let image = Image::new(manifests::image(kind)).program("/sidecar", sidecar);
    image.entrypoint(["/sidecar"]).write(&archive)?;
    Ok(archive)
}

const SERVICE: &str = "The same hand-overs, until a new connection to the Service, from inside a node, led to the new \
    Goose. The pods have been ready for three seconds then: after any change of any Service kube-proxy waits a second \
    before it loads its rules again. None of the others has such a Service.";
