//! What is measured of members that are processes of this machine, on a cluster without nodes.

use anyhow::Result;
use futures::future::try_join_all;
use testbed::Cluster;

use crate::contender::{Contender, Kind};
use crate::group::Group;
use crate::programs::Programs;
use crate::sample::Sample;
use crate::section::{Goal, Row, Section, Unit};
use crate::{handover, killed};

/// Where processes are measured, how often, and who is told how it goes.
pub struct Light<'a> {
    /// A light cluster.
    pub cluster: &'a Cluster,
    /// What was built.
    pub programs: &'a Programs,
    /// How often each contender has its turn.
    pub rounds: usize,
    /// Who is told.
    pub say: &'a (dyn Fn(&str) + Sync),
}

impl Light<'_> {
    /// Starts three members of each contender.
    ///
    /// # Errors
    /// Where one does not start.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        let all = Contender::ALL.into_iter();
        try_join_all(all.map(|one| Group::start(self.cluster, self.programs, one))).await
    }

    /// Hand-overs: one contender after another, again and again.
    ///
    /// # Errors
    /// Where somebody does not take over.
    pub async fn hand_over(&self, groups: &mut [Group]) -> Result<Section> {
        let mut measured = vec![(Sample::default(), Sample::default()); groups.len()];
        for round in 1..=self.rounds {
            for (group, (took, two)) in groups.iter_mut().zip(&mut measured) {
                let (milliseconds, two_at_once) = handover::measure(group).await?;
                took.push(milliseconds);
                two.push(two_at_once);
                self.tell("hand-over", round, group.contender, milliseconds);
            }
        }
        let rows = groups.iter().zip(measured).map(|(group, (sample, two))| Row {
            who: group.contender.to_string(),
            sample,
            two_at_once: Some(two),
            goal: group.contender.is_ours().then_some(handover::GOAL),
        });
        Ok(Section {
            title: "Hand-over".to_owned(),
            how: handover::HOW.to_owned(),
            unit: Unit::Milliseconds,
            rows: rows.collect(),
        })
    }

    /// Kills, of all contenders at once: each waits for seconds, and is asked for microseconds.
    ///
    /// # Errors
    /// Where somebody does not take over.
    pub async fn killed(&self, groups: &mut [Group]) -> Result<[Section; 2]> {
        let mut measured =
            vec![(Sample::default(), Sample::default(), Sample::default()); groups.len()];
        for round in 1..=self.rounds {
            let kills = groups.iter_mut().map(async |group| {
                let killed = killed::measure(self.cluster, group).await?;
                self.tell("killed", round, group.contender, killed.since_renewal);
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
        let since_kill = all().map(|(who, (sample, _, two))| row(who, sample, two, None)).collect();
        let since_renewal =
            all().map(|(who, (_, sample, two))| row(who, sample, two, killed::goal(who))).collect();
        Ok([
            killed::section("Killed process: since the kill", killed::SINCE_KILL, since_kill),
            killed::section(
                "Killed process: since its last renewal",
                killed::SINCE_RENEWAL,
                since_renewal,
            ),
        ])
    }

    fn tell(&self, what: &str, round: usize, contender: Contender, milliseconds: f64) {
        let (rounds, took) = (self.rounds, Unit::Milliseconds.tell(milliseconds));
        (self.say)(&format!("  {what} {round}/{rounds}: {contender}: {took}"));
    }
}

/// Whether a contender is ours with the lease that a goal is about.
pub fn ours_with(contender: Contender, seconds: u64, goal: Goal) -> Option<Goal> {
    (contender == Contender::new(Kind::Ours, seconds)).then_some(goal)
}
