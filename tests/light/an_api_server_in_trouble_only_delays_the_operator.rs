//! Every third or fourth call of the operator is answered with an error, of all that an API server in
//! trouble has; and once more exactly each third, which may be the same one of each pass. The cluster comes to the same end, and nothing is made or deleted twice.

use anyhow::{Result, ensure};
use kube::Client;
use stage::Interposed;
use stage::interposer::Mischief;
use stage::life::{Leader, Life, Undisturbed};
use stage::puppets::Puppets;
use testbed::Cluster;

pub async fn test(cluster: &Cluster) -> Result<()> {
    let client = cluster.client().await?;
    let _puppets = Puppets::play(client.clone());
    let undisturbed = Undisturbed::play(&client).await?;
    for refuse in [[3, 4], [3, 3]] {
        trouble(&client, &undisturbed, refuse).await?;
    }
    Ok(())
}

async fn trouble(client: &Client, undisturbed: &Undisturbed, refuse: [usize; 2]) -> Result<()> {
    let life = Life::begin(client).await?;
    let trouble = Mischief { refuse: Some(refuse), ..Mischief::default() };
    let operator = Interposed::start(client, trouble, &life.namespace).await?;
    let operator = undisturbed
        .is_lived_again(&life, Leader::TheSame, operator, async |struck| Ok(struck))
        .await?;
    life.end().await?;
    let (refused, writes) = (operator.interposer.refused(), operator.interposer.writes().len());
    println!(
        "     every {refuse:?}: {refused} calls refused; {writes} writes got through, undisturbed {}",
        undisturbed.writes
    );
    ensure!(
        refused > undisturbed.writes / 4,
        "wanted more in the way, found {refused} calls refused"
    );
    Ok(())
}
