//! Keeps the Lease that the operator's replicas elect their leader by, on one watch.

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};

use crate::api_error::{CallFailed, Treatment};
use crate::calls;
use crate::decide::own_lease::{OwnStep, step};
use crate::stores::reconnects;

/// Which Lease it is.
#[derive(Clone, Debug)]
pub struct OwnLease {
    /// Its name.
    pub name: String,
    /// The namespace of the operator's pods.
    pub namespace: String,
    /// The ServiceAccount of the operator's pods: the Lease goes with it, when the operator is
    /// uninstalled.
    pub account: String,
}

/// Keeps it for as long as the process lives.
pub async fn keep(client: Client, own: OwnLease) {
    let leases: Api<Lease> = Api::namespaced(client.clone(), &own.namespace);
    let only = watcher::Config::default().fields(&format!("metadata.name={}", own.name));
    let mut told = watcher(leases, only).backoff(reconnects()).boxed();
    let mut newest = None;
    let mut failed = false;
    loop {
        tokio::select! {
            event = told.next() => match event {
                Some(Ok(Event::Init)) => {
                    newest = None;
                    continue;
                }
                Some(Ok(Event::InitApply(lease))) => {
                    newest = Some(lease);
                    continue;
                }
                Some(Ok(Event::InitDone)) => (),
                Some(Ok(Event::Apply(lease))) => newest = Some(lease),
                Some(Ok(Event::Delete(_))) => newest = None,
                Some(Err(error)) => {
                    tracing::warn!(%error, "the watch of the operator's own Lease broke");
                    continue;
                }
                None => return,
            },
            () = tokio::time::sleep(RETRY), if failed => (),
        }
        let tended = own.tend(&client, newest.as_ref()).await;
        failed = tended.is_err();
        match tended {
            Err(failure) if failure.treatment != Treatment::LookAgain => {
                tracing::warn!(%failure, "the operator's own Lease is not as it should be");
            }
            _ => (),
        }
    }
}

impl OwnLease {
    async fn tend(&self, client: &Client, lease: Option<&Lease>) -> Result<(), CallFailed> {
        match (step(lease), lease) {
            (OwnStep::Create, _) => {
                let lease = Lease { metadata: self.metadata(client).await?, spec: None };
                calls::create_lease(client, &lease).await.map(drop)
            }
            (OwnStep::Replace(lease), _) => calls::replace_lease(client, &lease).await.map(drop),
            (OwnStep::Delete, Some(lease)) => calls::delete_lease(client, lease).await,
            (OwnStep::Nothing | OwnStep::Delete, _) => Ok(()),
        }
    }

    /// Owned by the pods' account. Without one the operator is being uninstalled, and nothing is
    /// to be left of it.
    async fn metadata(&self, client: &Client) -> Result<ObjectMeta, CallFailed> {
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &self.namespace);
        let doing = format!("get ServiceAccount {}", self.account);
        let account = calls::bounded(&doing, accounts.get(&self.account)).await?;
        Ok(ObjectMeta {
            name: Some(self.name.clone()),
            namespace: Some(self.namespace.clone()),
            owner_references: Some(vec![owner(&account)]),
            ..ObjectMeta::default()
        })
    }
}

fn owner(account: &ServiceAccount) -> OwnerReference {
    OwnerReference {
        api_version: ServiceAccount::api_version(&()).into_owned(),
        kind: ServiceAccount::kind(&()).into_owned(),
        name: account.name_any(),
        uid: account.uid().unwrap_or_default(),
        ..OwnerReference::default()
    }
}

/// Without the Lease no replica leads, so it is tried again soon.
const RETRY: Duration = Duration::from_secs(1);
