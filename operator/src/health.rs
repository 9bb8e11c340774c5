//! `GET /livez` and `GET /readyz`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Whether the operator is at work, and if not, why.
#[derive(Clone, Debug)]
pub struct Health {
    waiting_for: Arc<watch::Sender<Option<String>>>,
}

/// Why nobody can ask for the operator's health.
#[derive(Debug, thiserror::Error)]
#[error(
    "wanted to listen on {address} for /livez and /readyz, but {source}: give another --listen"
)]
pub struct NotServed {
    address: SocketAddr,
    source: std::io::Error,
}

impl Health {
    /// The operator is not at work before this has happened.
    pub fn waits_for(&self, what: impl Into<String>) {
        self.waiting_for.send_replace(Some(what.into()));
    }

    /// The operator is at work.
    pub fn ready(&self) {
        self.waiting_for.send_replace(None);
    }

    fn answer(&self) -> (StatusCode, String) {
        match &*self.waiting_for.borrow() {
            None => (StatusCode::OK, "ok\n".to_owned()),
            Some(what) => (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for {what}\n")),
        }
    }
}

/// Serves on `address` for as long as the process lives; not ready yet.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(address: SocketAddr) -> Result<Health, NotServed> {
    let listener = bind(address).await.map_err(|source| NotServed { address, source })?;
    let waiting_for = watch::Sender::new(Some("the API server".to_owned()));
    let health = Health { waiting_for: Arc::new(waiting_for) };
    let routes = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async |State(health): State<Health>| health.answer()))
        .with_state(health.clone());
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "health is not served any more");
        }
    });
    Ok(health)
}

/// `[::]` stands for every address of the machine, also where that has no IPv6.
async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_it_waits_for_until_it_is_ready() {
        let health = Health { waiting_for: Arc::new(watch::Sender::new(None)) };
        health.waits_for("the definition");
        assert_eq!(
            health.answer(),
            (StatusCode::SERVICE_UNAVAILABLE, "waiting for the definition\n".to_owned())
        );
        health.ready();
        assert_eq!(health.answer().0, StatusCode::OK);
    }
}
