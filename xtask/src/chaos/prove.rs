//! `--prove`: electors that are known to be bad are found out.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use bench::at_once::two_at_once;
use chaos::proof::{BadElector, Case, cases};
use chaos::schedule::Planned;
use chaos::verdict::Finding;
use chaos::{Plan, Verdict};
use history::History;
use testbed::Cluster;

use super::elector::{Alterations, Elector};
use super::{KEPT, LEASE, logs};
use crate::clients::Clients;
use crate::screen::Screen;

/// Puts each to the test, or the one of this name.
///
/// # Errors
/// Where there is none of that name; where one is not found out: what it did is kept.
pub async fn run(
    name: Option<&str>,
    members: usize,
    cluster: &Cluster,
    clients: &Clients,
    screen: &Screen,
) -> Result<()> {
    let mut missed = Vec::new();
    for case in wanted(name)? {
        let elector = elector(&case);
        screen.line(format!("\n{elector}: {}", in_words(&case)));
        elector.install(cluster, clients, screen).await?;
        let folder = Path::new(KEPT).join(format!("prove-{}", case.elector.name()));
        let logs = folder.join("logs");
        let keep_logs = async |namespace: String| logs::keep(clients, &namespace, &logs).await;
        let plan = plan(&case, &elector, members);
        let (record, history) = chaos::run(cluster, plan, |_| (), keep_logs).await?;
        let verdict = Verdict::of(&record, &history);
        match case.shown_by(&verdict) {
            Some(finding) => screen.line(found_out(finding, &verdict, &history)),
            None => {
                record.keep(&history, &folder)?;
                screen.line(format!("NOT FOUND OUT, kept in {}", folder.display()));
                missed.push(case.elector.name());
            }
        }
    }
    Elector::Shipped.install(cluster, clients, screen).await?;
    ensure!(missed.is_empty(), "not found out: {}", missed.join(", "));
    Ok(())
}

fn wanted(name: Option<&str>) -> Result<Vec<Case>> {
    let mut cases = cases(LEASE);
    let Some(name) = name else { return Ok(cases) };
    let all: Vec<_> = cases.iter().map(|case| case.elector.name()).collect();
    let all = all.join(", ");
    cases.retain(|case| case.elector.name() == name);
    ensure!(!cases.is_empty(), "wanted one of {all}, found `{name}`");
    Ok(cases)
}

fn in_words(case: &Case) -> String {
    let faults: Vec<_> = case.schedule.rounds[0].iter().map(Planned::to_string).collect();
    faults.join(" + ")
}

fn found_out(finding: &Finding, verdict: &Verdict, history: &History) -> String {
    let rounds = verdict.rounds.iter().filter(|figures| figures.two_geese > 0).count();
    if rounds == 0 {
        return format!("found out: {finding}");
    }
    let (all, longest) = (verdict.rounds.len(), two_at_once(history).as_secs_f64());
    format!(
        "found out: {finding}\ntwo Geese in {rounds} of {all} rounds, for {longest:.2} s at most"
    )
}

fn elector(case: &Case) -> Elector {
    match case.elector {
        BadElector::Mutated { mutation, clocks } => Elector::Altered(Alterations {
            mutation: Some(mutation.to_owned()),
            clocks: clocks.map(str::to_owned),
        }),
        BadElector::ClientGo => Elector::ClientGo,
    }
}

fn plan(case: &Case, elector: &Elector, members: usize) -> Plan {
    Plan {
        elector: elector.to_string(),
        cast: elector.cast(),
        lease: LEASE,
        members,
        schedule: case.schedule.clone(),
        limit: LONGEST,
        soak: Duration::ZERO,
    }
}

/// No case is nearly so long.
const LONGEST: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_can_be_chosen_by_its_name() {
        assert_eq!(wanted(None).unwrap().len(), cases(LEASE).len());
        for case in cases(LEASE) {
            assert_eq!(wanted(Some(case.elector.name())).unwrap().len(), 1);
        }
        assert!(wanted(Some("NoSuchMutation")).is_err());
    }
}
