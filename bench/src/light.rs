//! What is measured of members that are processes of this machine, on a cluster without nodes.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use testbed::Cluster;
use tokio::time::sleep;

use crate::at_rest::{self, ControlPlane, Sidecar};
use crate::contender::{Contender, Kind};
use crate::crowd::Crowd;
use crate::group::Group;
use crate::programs::Programs;
use crate::requests::Requests;
use crate::sample::Sample;
use crate::section::{Goal, Row, Section, Unit};
use crate::{full, handover, killed};

/// Where processes are measured, and who is told how it goes.
pub struct Light<'a> {
    /// A light cluster.
    pub cluster: &'a Cluster,
    /// What was built.
    pub programs: &'a Programs,
    /// Who is told.
    pub say: &'a (dyn Fn(&str) + Sync),
}

impl Light<'_> {
    /// Starts three members of each contender, and waits until one of each three leads.
    ///
    /// # Errors
    /// Where one does not start, or none leads.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        let all = Contender::ALL.into_iter();
        let groups =
            try_join_all(all.map(|one| Group::start(self.cluster, self.programs, one))).await?;
        for group in &groups {
            group.observe().await?;
        }
        Ok(groups)
    }

    /// Hand-overs: one contender after another, again and again.
    ///
    /// # Errors
    /// Where somebody does not take over.
    pub async fn hand_over(&self, groups: &mut [Group], rounds: usize) -> Result<Section> {
        let mut measured = vec![(Sample::default(), Sample::default()); groups.len()];
        for round in 1..=rounds {
            for (group, (took, two)) in groups.iter_mut().zip(&mut measured) {
                let (milliseconds, two_at_once) = handover::measure(group).await?;
                took.push(milliseconds);
                two.push(two_at_once);
                self.tell("hand-over", (round, rounds), group.contender, milliseconds);
            }
        }
        let rows = groups.iter().zip(measured).map(|(group, (sample, two))| Row {
            who: group.contender.to_string(),
            sample,
            two_at_once: Some(two),
            goal: group.contender.is_ours().then_some(handover::GOAL),
        });
        Ok(Section::new("Hand-over", handover::HOW, Unit::Milliseconds, rows.collect()))
    }

    /// Kills, of all contenders at once: each waits for seconds, and is asked for microseconds.
    ///
    /// # Errors
    /// Where somebody does not take over.
    pub async fn killed(&self, groups: &mut [Group], rounds: usize) -> Result<[Section; 2]> {
        let mut measured =
            vec![(Sample::default(), Sample::default(), Sample::default()); groups.len()];
        for round in 1..=rounds {
            let kills = groups.iter_mut().map(async |group| {
                let killed = killed::measure(self.cluster, group).await?;
                self.tell("killed", (round, rounds), group.contender, killed.since_renewal);
                anyhow::Ok(killed)
            });
            let kills = try_join_all(kills).await?;
            for (killed, (since_kill, since_renewal, two)) in kills.into_iter().zip(&mut measured) {
                since_kill.push(killed.since_kill);
                since_renewal.push(killed.since_renewal);
                two.push(killed.two_at_once);
            }
        }
        let row = |contender: Contender, sample: &Sample, two: &Sample, goal| Row {
            who: contender.to_string(),
            sample: sample.clone(),
            two_at_once: Some(two.clone()),
            goal,
        };
        let all = || groups.iter().map(|group| group.contender).zip(&measured);
        let times = |title, how, rows| Section::new(title, how, Unit::Milliseconds, rows);
        let since_kill = all().map(|(who, (sample, _, two))| row(who, sample, two, None)).collect();
        let since_renewal =
            all().map(|(who, (_, sample, two))| row(who, sample, two, killed::goal(who))).collect();
        Ok([
            times("Killed process: since the kill", killed::SINCE_KILL, since_kill),
            times("Killed process: since its last renewal", killed::SINCE_RENEWAL, since_renewal),
        ])
    }

    /// What each sidecar uses at rest, and how large its image is.
    ///
    /// # Errors
    /// Where one has ended, or an image cannot be written.
    pub async fn sidecars(&self, groups: &[Group], window: Duration) -> Result<[Section; 3]> {
        (self.say)(&format!("  looking at sidecars at rest for {} s", window.as_secs()));
        let seen = at_rest::sidecars(groups, window).await?;
        let of = |value: fn(&Sidecar) -> f64| {
            let all = groups.iter().map(|group| group.contender).zip(&seen);
            all.map(|(who, seen)| row(who, seen.iter().map(value).collect(), None)).collect()
        };
        let (memory, cpu) = (of(|sidecar| sidecar.memory), of(|sidecar| sidecar.cpu));
        Ok([
            Section::new("One sidecar: resident memory", SIDECARS, Unit::Mebibytes, memory),
            Section::new("One sidecar: processor at rest", SIDECARS, Unit::Millicores, cpu),
            self.images()?,
        ])
    }

    fn images(&self) -> Result<Section> {
        let folder = Path::new(IMAGES);
        let size = |kind| {
            let sidecar = self.programs.sidecar(kind);
            let bytes = std::fs::metadata(full::image(&sidecar, kind, folder)?)?.len();
            let goal = Goal { greatest: Some(7.0), ..Goal::default() };
            anyhow::Ok(Row {
                who: kind.slug().to_owned(),
                sample: [bytes as f64 / 1e6].into_iter().collect(),
                two_at_once: None,
                goal: (kind == Kind::Ours).then_some(goal),
            })
        };
        let rows = Kind::ALL.map(size).into_iter().collect::<Result<_>>()?;
        Ok(Section::new(
            "One sidecar: image",
            "One layer with one static program, not compressed.",
            Unit::Megabytes,
            rows,
        ))
    }

    /// Requests at rest and writes for a hand-over, for so many members of one Lease.
    ///
    /// # Errors
    /// Where a crowd does not come to rest, or nobody takes over.
    pub async fn crowds(
        &self,
        sizes: &[usize],
        window: Duration,
        rounds: usize,
    ) -> Result<Vec<Section>> {
        let without = self.control_plane("without members", window).await?;
        let mut sections = Vec::new();
        for &members in sizes {
            let (mut at_rest, mut writes) = (Vec::new(), Vec::new());
            for contender in CROWDS {
                let crowd =
                    Crowd::start(self.cluster, self.programs, contender, 1, members).await?;
                let name = format!("{members} members of {contender}");
                let seen = self.settled(&name, contender, window).await?.above(without);
                // Counts of what else the API server does vary by a little.
                let requests = [seen.requests.max(0.0)].into_iter().collect();
                at_rest.push(row(contender, requests, at_rest_goal(contender)));
                let sample = self.writes(&crowd, contender, rounds).await?;
                let goal = Goal { median: Some(3.0), ..Goal::default() };
                writes.push(row(contender, sample, contender.is_ours().then_some(goal)));
            }
            let title = format!("Requests at rest, {members} members");
            sections.push(Section::new(&title, REQUESTS, Unit::PerSecond, at_rest));
            let title = format!("Writes per hand-over, {members} members");
            sections.push(Section::new(&title, WRITES, Unit::Count, writes));
        }
        Ok(sections)
    }

    /// What the API server and etcd use for so many Leases with three members each.
    ///
    /// # Errors
    /// Where not all Leases come to be led.
    pub async fn many_leases(&self, leases: usize, window: Duration) -> Result<[Section; 2]> {
        let without = self.control_plane("without members", window).await?;
        let (mut apiserver, mut etcd) = (Vec::new(), Vec::new());
        for contender in CROWDS {
            let _crowd = Crowd::start(self.cluster, self.programs, contender, leases, 3).await?;
            let name = format!("{leases} Leases of {contender}");
            let seen = self.settled(&name, contender, window).await?.above(without);
            apiserver.push(row(contender, [seen.apiserver].into_iter().collect(), None));
            etcd.push(row(contender, [seen.etcd].into_iter().collect(), None));
        }
        let title = |what: &str| format!("{what} at rest, {leases} Leases");
        Ok([
            Section::new(
                &title("Processor of the API server"),
                LEASES,
                Unit::Millicores,
                apiserver,
            ),
            Section::new(&title("Processor of etcd"), LEASES, Unit::Millicores, etcd),
        ])
    }

    /// Looks once all that comes with a start has passed.
    async fn settled(
        &self,
        name: &str,
        contender: Contender,
        window: Duration,
    ) -> Result<ControlPlane> {
        sleep(contender.lease * 2).await;
        self.control_plane(name, window).await
    }

    async fn control_plane(&self, name: &str, window: Duration) -> Result<ControlPlane> {
        (self.say)(&format!("  looking at the control plane for {} s: {name}", window.as_secs()));
        at_rest::control_plane(self.cluster, window).await
    }

    async fn writes(&self, crowd: &Crowd, contender: Contender, rounds: usize) -> Result<Sample> {
        let client = self.cluster.client().await?;
        let mut sample = Sample::default();
        for round in 1..=rounds {
            let before = Requests::so_far(&client).await?;
            crowd.hand_over().await?;
            sleep(STRAGGLERS).await;
            let writes = Requests::so_far(&client).await?.since(before).writes;
            (self.say)(&format!("  writes, {round}/{rounds}: {contender}: {writes}"));
            sample.push(writes);
        }
        Ok(sample)
    }

    fn tell(
        &self,
        what: &str,
        (round, rounds): (usize, usize),
        contender: Contender,
        milliseconds: f64,
    ) {
        let took = Unit::Milliseconds.tell(milliseconds);
        (self.say)(&format!("  {what} {round}/{rounds}: {contender}: {took}"));
    }
}

/// One write per renewal in all, at any number of members.
fn at_rest_goal(contender: Contender) -> Option<Goal> {
    let renewals = 3.0 / contender.lease.as_secs_f64();
    // One that falls just into the window or just out of it, and what else the API server does.
    let goal = Goal { greatest: Some(renewals + 0.1), ..Goal::default() };
    contender.is_ours().then_some(goal)
}

fn row(contender: Contender, sample: Sample, goal: Option<Goal>) -> Row {
    Row { who: contender.to_string(), sample, two_at_once: None, goal }
}

/// Each at our default lease, and client-go at its own.
const CROWDS: [Contender; 5] = [
    Contender::new(Kind::Ours, 6),
    Contender::new(Kind::ClientGo, 6),
    Contender::new(Kind::ClientGo, 15),
    Contender::new(Kind::Kubert, 6),
    Contender::new(Kind::KubeLeaderElection, 6),
];

/// After somebody has taken over, others may still try.
const STRAGGLERS: Duration = Duration::from_millis(500);

/// From the root of the checkout.
const IMAGES: &str = "target/bench/images";

const SIDECARS: &str = "Of three processes each, a Goose and two Ducks, over the same window.";

const REQUESTS: &str = "Requests for Leases that the API server has counted, less those without any member. Members are \
    tasks of a few processes, each with a connection, and where it has one a watch, of its own.";

const WRITES: &str = "Writes of Leases that the API server has counted, also refused ones, from asking the Goose to hand \
    over until half a second after another one led. A renewal that falls into that time counts, too.";

const LEASES: &str = "Three members for each Lease. What the process used over the window, less what it used without any \
    member.";
