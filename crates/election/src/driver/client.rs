//! The calls to the API server, for one Lease.
//!
//! On connections of its own, so that no other traffic is in the way. Every
//! call has a time-out, and none is repeated in secret: the machine decides
//! about each attempt. After a call without an answer nothing of its client is
//! trusted again: the next call gets a new connection, and reads the token and
//! the certificate authority anew.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::Stream;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use k8s_openapi::api::coordination::v1::Lease as Object;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, PostParams, WatchEvent, WatchParams};
use kube::client::ConfigExt;
use kube::core::Status;
use kube::{Client, Config};
use tokio::time::timeout;
use tower::{BoxError, ServiceBuilder};

use crate::driver::elector::WriteFailure;
use crate::driver::object;
use crate::member::{Outcome, Write};

/// Why a call to the API server brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("wanted a kubeconfig or a pod's own service account, found neither: {0}")]
    NoServer(#[source] Box<kube::config::InferConfigError>),
    #[error("{}", .0.message)]
    Said(#[source] Box<Status>),
    #[error("the API server did not answer in time")]
    Silent,
    #[error("{}", with_causes(.0))]
    Broken(#[source] Box<kube::Error>),
    #[error("wanted a Lease with a uid and a whole number as resourceVersion, found neither")]
    NotALease,
    #[error("the Lease is not the version any more that was to be written")]
    Outdated,
}

/// The one Lease, as far as calls go.
pub(super) struct LeaseClient {
    namespace: String,
    name: String,
    api: Mutex<Option<Api<Object>>>,
}

impl LeaseClient {
    pub(super) fn new(namespace: String, name: String) -> LeaseClient {
        LeaseClient { namespace, name, api: Mutex::new(None) }
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
    /// other (rule 5).
    pub(super) async fn write(&self, base: &Object, write: &Write) -> Result<Object, CallError> {
        let now = MicroTime(Timestamp::now());
        let object = object::with_record(base, write, now).ok_or(CallError::Outdated)?;
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
        let config = Config::infer().await.map_err(|e| CallError::NoServer(Box::new(e)))?;
        let api = Api::namespaced(client(&config)?, &self.namespace);
        *self.api.lock().unwrap_or_else(PoisonError::into_inner) = Some(api.clone());
        Ok(api)
    }
}

impl CallError {
    /// Whether the watch cannot be taken up again without a gap.
    pub(super) fn is_gap(&self) -> bool {
        matches!(self, CallError::Said(status) if status.code == 410)
    }

    /// What it was for a write, in as few words as a metric has.
    pub(super) fn of_a_write(&self) -> WriteFailure {
        match self {
            CallError::Outdated => WriteFailure::Conflict,
            CallError::Said(status) if matches!(status.code, 404 | 409 | 410) => {
                WriteFailure::Conflict
            }
            CallError::Said(_) => WriteFailure::Denied,
            CallError::Silent => WriteFailure::TimedOut,
            CallError::NoServer(_) | CallError::Broken(_) | CallError::NotALease => {
                WriteFailure::Broken
            }
        }
    }

    /// Whether the connection or the token may be to blame.
    fn is_of_the_client(&self) -> bool {
        !matches!(self, CallError::Said(status) if status.code != 401)
    }
}

impl From<kube::Error> for CallError {
    fn from(error: kube::Error) -> CallError {
        match error {
            kube::Error::Api(status) => CallError::Said(status),
            other => CallError::Broken(Box::new(other)),
        }
    }
}

/// A client as kube builds it, but for three things: no retries, no log line of
/// its own for each failure, and no Nagle: it would hold a first write, which
/// follows a handshake, for the 40 ms of the server's delayed acknowledgement.
/// Its calls have no time-out but the one that the caller gives them.
///
/// # Errors
/// When the configuration is unusable: its certificates or its token, say.
pub fn client(config: &Config) -> kube::Result<Client> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT));
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(
            hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector),
        );
    Ok(Client::new(service, config.default_namespace.clone()))
}

/// What became of a write. Only the API server's word that the precondition
/// did not hold is a refusal; all else may have been applied, or may yet be.
pub(super) fn outcome(answer: &Result<Arc<Object>, CallError>) -> Outcome {
    let pause = |seconds| Outcome::Unknown { retry_after: Duration::from_secs(seconds) };
    match answer {
        Ok(object) => object::lease(object).map_or(pause(0), Outcome::Applied),
        Err(CallError::Outdated) => Outcome::Refused,
        Err(CallError::Said(status)) => match (status.code, &status.details) {
            (404 | 409 | 410, _) => Outcome::Refused,
            (_, Some(details)) if details.retry_after_seconds > 0 => {
                pause(details.retry_after_seconds.into())
            }
            // Nothing that a quick repetition would mend.
            (401 | 403 | 422 | 429, _) => pause(1),
            _ => pause(0),
        },
        Err(_) => pause(0),
    }
}

/// kube's errors leave out what they were caused by.
fn with_causes(error: &kube::Error) -> String {
    let first: Option<&dyn std::error::Error> = Some(error);
    let chain = std::iter::successors(first, |error| error.source());
    chain.last().map_or_else(String::new, ToString::to_string)
}

/// Who changed the Lease, in its `managedFields`.
const FIELD_MANAGER: &str = "duckduckgoose-member";

/// Each call has its own, shorter limit: this one only ends what is left behind.
const CONNECT: Duration = Duration::from_secs(10);

/// Seconds. The API server keeps a watch for as long as it is asked to.
const LONGEST_WATCH: u32 = 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: u16, retry_after_seconds: u32) -> Result<Arc<Object>, CallError> {
        let status = serde_json::json!({
            "code": code,
            "details": {"retryAfterSeconds": retry_after_seconds},
        });
        Err(CallError::Said(serde_json::from_value(status).unwrap()))
    }

    #[test]
    fn only_a_failed_precondition_is_a_refusal() {
        for code in [404, 409, 410] {
            assert_eq!(outcome(&said(code, 0)), Outcome::Refused, "{code}");
        }
        assert_eq!(outcome(&Err(CallError::Outdated)), Outcome::Refused);
        let unknown = |retry_after| Outcome::Unknown { retry_after };
        for (code, seconds, wanted) in [(500, 0, 0), (504, 3, 3), (429, 2, 2), (429, 0, 1)] {
            let wanted = unknown(Duration::from_secs(wanted));
            assert_eq!(outcome(&said(code, seconds)), wanted, "{code}");
        }
        for code in [401, 403, 422] {
            assert_eq!(outcome(&said(code, 0)), unknown(Duration::from_secs(1)), "{code}");
        }
        assert_eq!(outcome(&Err(CallError::Silent)), unknown(Duration::ZERO));
    }

    #[test]
    fn a_write_that_failed_is_of_one_of_four_kinds() {
        let failure = |error: Result<_, CallError>| error.unwrap_err().of_a_write();
        assert_eq!(failure(said(409, 0)), WriteFailure::Conflict);
        assert_eq!(failure(said(403, 0)), WriteFailure::Denied);
        assert_eq!(failure(said(429, 1)), WriteFailure::Denied);
        assert_eq!(failure(Err(CallError::Silent)), WriteFailure::TimedOut);
        assert_eq!(failure(Err(CallError::NotALease)), WriteFailure::Broken);
    }

    #[test]
    fn an_answer_that_is_no_lease_tells_nothing() {
        let odd = Ok(Arc::new(Object::default()));
        assert_eq!(outcome(&odd), Outcome::Unknown { retry_after: Duration::ZERO });
    }
}
