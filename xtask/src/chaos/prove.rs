//! `--prove`: electors that are known to be bad are found out.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use chaos::proof::{Case, cases};
use chaos::{Plan, Verdict};
use testbed::Cluster;

use super::elector::{Alterations, Elector};
use super::{KEPT, LEASE, logs};
use crate::cli::ChaosOptions;
use crate::clients::Clients;
use crate::screen::Screen;

/// Puts each to the test.
///
/// # Errors
/// Where one is not found out: what it did is kept.
pub async fn run(
    options: &ChaosOptions,
    cluster: &Cluster,
    clients: &Clients,
    screen: &Screen,
) -> Result<()> {
    let mut missed = Vec::new();
    for case in cases(LEASE) {
        let elector = elector(&case);
        screen.line(format!(
            "\n{elector}: {}",
            case.schedule.rounds[0]
                .iter()
                .map(|planned| planned.to_string())
                .collect::<Vec<_>>()
                .join(" + ")
        ));
        elector.install(cluster, clients, screen).await?;
        let folder = Path::new(KEPT).join(format!("prove-{}", case.mutation));
        let logs = folder.join("logs");
        let keep_logs = async |namespace: String| logs::keep(clients, &namespace, &logs).await;
        let (record, history) =
            chaos::run(cluster, plan(&case, options), |_| (), keep_logs).await?;
        let verdict = Verdict::of(&record, &history);
        match verdict.findings.iter().find(|finding| case.expected.contains(&finding.kind)) {
            Some(finding) => screen.line(format!("found out: {finding}")),
            None => {
                record.keep(&history, &folder)?;
                screen.line(format!("NOT FOUND OUT, kept in {}", folder.display()));
                missed.push(case.mutation);
            }
        }
    }
    Elector::Shipped.install(cluster, clients, screen).await?;
    ensure!(missed.is_empty(), "not found out: {}", missed.join(", "));
    Ok(())
}

fn elector(case: &Case) -> Elector {
    Elector::Altered(Alterations {
        mutation: Some(case.mutation.to_owned()),
        clocks: case.clocks.map(str::to_owned),
    })
}

fn plan(case: &Case, options: &ChaosOptions) -> Plan {
    Plan {
        elector: elector(case).to_string(),
        lease: LEASE,
        members: options.members,
        schedule: case.schedule.clone(),
        limit: LONGEST,
        soak: Duration::ZERO,
    }
}

/// No case is nearly so long.
const LONGEST: Duration = Duration::from_secs(600);
