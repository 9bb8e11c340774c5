//! How the API server is reached.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use http_body_util::{Either, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use tower::{BoxError, ServiceBuilder};

/// Where a member learns how to reach the API server.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// From `$KUBECONFIG`, `~/.kube/config`, or the pod's own service account.
    #[default]
    Inferred,
    /// From this file.
    Kubeconfig(PathBuf),
}

impl Access {
    /// Reads all of it anew, with the certificates and tokens that it names.
    pub(super) async fn connect(&self) -> Result<Client, Box<dyn Error + Send + Sync>> {
        let config = match self {
            Access::Inferred => Config::infer().await?,
            Access::Kubeconfig(path) => {
                let options = KubeConfigOptions::default();
                Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &options).await?
            }
        };
        Ok(client(&config)?)
    }
}

/// A client as kube builds it, but for four things: no retries; no log line of
/// its own for each failure; no Nagle: it would hold a first write, which
/// follows a handshake, for the 40 ms of the server's delayed acknowledgement;
/// and the header `Retry-After`, which kube drops, is told in the status.
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
        .map_response(|response: Response<_>| match told_to_wait(&response) {
            Some(seconds) => response.map(|_| Either::Right(Full::from(refusal(seconds)))),
            None => response.map(Either::Left),
        })
        .service(
            hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector),
        );
    Ok(Client::new(service, config.default_namespace.clone()))
}

/// Seconds, where an overloaded API server says for how long to leave it alone.
fn told_to_wait<B>(response: &Response<B>) -> Option<u32> {
    let overloaded = response.status() == StatusCode::TOO_MANY_REQUESTS;
    let told = response.headers().get(RETRY_AFTER).filter(|_| overloaded)?;
    told.to_str().ok()?.parse().ok()
}

/// An overloaded API server says so in plain text: kube reads only this.
fn refusal(seconds: u32) -> String {
    let status = json!({
        "kind": "Status",
        "status": "Failure",
        "code": StatusCode::TOO_MANY_REQUESTS.as_u16(),
        "message": format!("too many requests: the API server wants to be left alone for {seconds} s"),
        "details": {"retryAfterSeconds": seconds},
    });
    status.to_string()
}

/// Each call has its own, shorter limit: this one only ends what is left behind.
const CONNECT: Duration = Duration::from_secs(10);
