//! The calls to the API server, for one Lease.
//!
//! On a connection of their own, so that no other traffic is in the way. Every
//! call has a time-out, and none is repeated in secret: the machine decides
//! about each attempt. After a call without an answer nothing of its client is
//! trusted again: the next call gets a new connection, and reads the token and
//! the certificate authority anew.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::Stream;
use k8s_openapi::api::coordination::v1::Lease as Object;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, PostParams, WatchEvent, WatchParams};
use tokio::time::timeout;

use crate::driver::answer::CallError;
use crate::driver::connection::Access;
use crate::driver::object;
use crate::member::Write;

/// The one Lease, as far as calls go.
pub(super) struct LeaseClient {
    access: Access,
    namespace: String,
    name: String,
    api: Mutex<Option<Api<Object>>>,
}

impl LeaseClient {
    pub(super) fn new(access: Access, namespace: String, name: String) -> LeaseClient {
        LeaseClient { access, namespace, name, api: Mutex::new(None) }
    }

    /// The Lease as it is now; `None` when there is none.
    pub(super) async fn get(&self, limit: Duration) -> Result<Option<Object>, CallError> {
        self.call(limit, async |api: Api<Object>| api.get_opt(&self.name).await).await
    }

    /// What happened after this version; after now, when it is empty. Permitted
    /// under `resourceNames` by the field selector. Only opening it is limited:
    /// silence is noticed by the machine.
    pub(super) async fn watch(
        &self,
        version: &str,
        limit: Duration,
    ) -> Result<impl Stream<Item = kube::Result<WatchEvent<Object>>> + use<>, CallError> {
        let only = format!("metadata.name={}", self.name);
        let params = WatchParams::default().fields(&only).timeout(LONGEST_WATCH);
        self.call(limit, async |api: Api<Object>| api.watch(&params, version).await).await
    }

    /// Writes the record into the version that it was decided on, and into no
    /// other (rule 5). The illness goes along where the record is held.
    pub(super) async fn write(
        &self,
        base: &Object,
        write: &Write,
        illness: Option<&str>,
    ) -> Result<Object, CallError> {
        let now = MicroTime(Timestamp::now());
        let object = object::with_record(base, write, illness, now).ok_or(CallError::Outdated)?;
        let params = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..Default::default() };
        let replace = async |api: Api<Object>| api.replace(&self.name, &params, &object).await;
        self.call(write.timeout, replace).await
    }

    /// The next call starts afresh.
    pub(super) fn distrust(&self) {
        *self.api.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn call<T>(
        &self,
        limit: Duration,
        ask: impl AsyncFnOnce(Api<Object>) -> kube::Result<T>,
    ) -> Result<T, CallError> {
        let asked = async { ask(self.api().await?).await.map_err(CallError::from) };
        let answer = timeout(limit, asked).await.unwrap_or(Err(CallError::Silent));
        if answer.as_ref().is_err_and(CallError::is_of_the_client) {
            self.distrust();
        }
        answer
    }

    async fn api(&self) -> Result<Api<Object>, CallError> {
        let known = self.api.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(api) = known {
            return Ok(api);
        }
        let client = self.access.connect().await.map_err(CallError::NoServer)?;
        let api = Api::namespaced(client, &self.namespace);
        *self.api.lock().unwrap_or_else(PoisonError::into_inner) = Some(api.clone());
        Ok(api)
    }
}

/// Who changed the Lease, in its `managedFields`.
const FIELD_MANAGER: &str = "duckduckgoose-member";

/// Seconds. The API server keeps a watch for as long as it is asked to.
const LONGEST_WATCH: u32 = 3600;
