//! The CustomResourceDefinition may come after the operator: waits for it.

use std::time::Duration;

use api::DuckGooseCluster;
use kube::Client;
use kube::api::ListParams;

use crate::api_error::{CallFailed, Treatment};
use crate::calls;
use crate::health::Health;
use crate::stores::Scope;
use crate::termination::{self, Terminated};

/// Returns when the API server knows `DuckGooseCluster`s and lets them be listed, or when the
/// process is to end. Tells what it waits for, once per reason.
pub async fn wait_for(client: &Client, scope: &Scope, health: &Health, terminated: Terminated) {
    tokio::select! {
        () = known(client, scope, health) => (),
        () = termination::wait(terminated) => (),
    }
}

async fn known(client: &Client, scope: &Scope, health: &Health) {
    let clusters = scope.api::<DuckGooseCluster>(client);
    let one = ListParams::default().limit(1);
    let mut told = String::new();
    while let Err(failure) = calls::bounded("list DuckGooseClusters", clusters.list(&one)).await {
        let what = missing(&failure);
        if what != told {
            tracing::warn!("waiting for {what}");
            health.waits_for(&what);
            told = what;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn missing(failure: &CallFailed) -> String {
    match failure.treatment {
        Treatment::Gone => "the CustomResourceDefinition of DuckGooseClusters: install it with \
                            kubectl apply -f manifests/crd/"
            .to_owned(),
        _ => format!("the API server: {failure}"),
    }
}

const PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_definition_is_called_by_its_name() {
        let failure = |treatment| CallFailed {
            doing: "list DuckGooseClusters".into(),
            message: "it said no".into(),
            treatment,
        };
        assert!(missing(&failure(Treatment::Gone)).contains("kubectl apply -f manifests/crd/"));
        assert!(missing(&failure(Treatment::Forbidden)).contains("it said no"));
    }
}
