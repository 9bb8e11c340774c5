//! Tells the role over HTTP.
//!
//! | file | what it does |
//! |---|---|
//! | `role` | the role in JSON or one word, at once, after a change, or with a promise |
//! | `stream` | the role now and each change, as server-sent events |
//! | `handover` | the workload gives the role up |
//! | `health` | the sidecar's health, history and metrics |
//! | `refusal` | the JSON of all that is refused |
//! | `connections` | how many may be connected, and who makes room |
//! | `connection` | one of them, with bounds on time and size |

mod connection;
mod connections;
mod handover;
mod health;
mod refusal;
mod role;
mod stream;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;

use crate::changes::Changes;
use crate::metrics::Metrics;
use crate::standing::Answers;
pub use connections::Limits;

/// All that answers are made of.
pub struct Front {
    standing: Arc<dyn Answers>,
    changes: Arc<Changes>,
    metrics: Arc<Metrics>,
    /// Whether the workload may give its role up.
    handover: bool,
    streams: Arc<Semaphore>,
    waits: Semaphore,
}

impl Front {
    /// Whom to ask for the role, what happened, what was counted, and whether
    /// the workload may give its role up.
    pub fn new(
        standing: Arc<dyn Answers>,
        changes: Arc<Changes>,
        metrics: Arc<Metrics>,
        handover: bool,
    ) -> Front {
        let streams = Arc::new(Semaphore::new(MOST_STREAMS));
        let waits = Semaphore::new(MOST_WAITS);
        Front { standing, changes, metrics, handover, streams, waits }
    }

    /// What happened, for whoever else waits for it.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    fn stream_clients(&self) -> usize {
        MOST_STREAMS - self.streams.available_permits()
    }
}

/// Listens on the address; where it is IPv6's "any" and the machine has no
/// IPv6, on IPv4's. On `localhost` it is loopback's two addresses, or the one
/// that there is.
///
/// # Errors
/// When the address is none, or not to be had. No other name is one: a static
/// program cannot resolve it.
pub fn listen(address: &str) -> anyhow::Result<Vec<TcpListener>> {
    let wanted = || {
        format!(
            "wanted an address such as [::]:4040 or localhost:4040 to listen on, found {address:?}"
        )
    };
    if let Some(port) = address.strip_prefix(LOOPBACK) {
        return on_loopback(port.parse().with_context(wanted)?).with_context(wanted);
    }
    let parsed: SocketAddr = address.parse().with_context(wanted)?;
    let listener = bind(parsed).or_else(|error| {
        if parsed.ip() == Ipv6Addr::UNSPECIFIED {
            bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, parsed.port())))
        } else {
            Err(error)
        }
    });
    Ok(vec![listener.with_context(wanted)?])
}

/// Nobody may find the port of the one family taken by somebody else: only a
/// family that the machine has not is done without.
fn on_loopback(port: u16) -> io::Result<Vec<TcpListener>> {
    let first = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    match bind(SocketAddr::from((Ipv6Addr::LOCALHOST, first.local_addr()?.port()))) {
        Ok(second) => Ok(vec![first, second]),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(vec![first]),
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    // As the standard library does: a restart is not kept off by connections that are ending.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers until the process ends.
///
/// # Errors
/// When it is not known where it listens.
pub async fn serve(listeners: Vec<TcpListener>, front: Front, limits: Limits) -> io::Result<()> {
    for listener in &listeners {
        tracing::info!(address = ?listener.local_addr()?, "serves HTTP");
    }
    connections::accept(listeners, router(Arc::new(front)), limits).await
}

fn router(front: Arc<Front>) -> Router {
    Router::new()
        .route("/", get(role::name))
        .route("/role", get(role::role))
        .route("/goose", get(role::goose))
        .route("/duck", get(role::duck))
        .route("/role/stream", get(stream::stream))
        .route("/history", get(health::history))
        .route("/handover", post(handover::hand_over))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(health::openapi))
        .fallback(refusal::no_such_path)
        .method_not_allowed_fallback(refusal::no_such_method)
        .layer(map_response(never_stored))
        .with_state(front)
}

/// An answer is true for the moment it was asked for.
async fn never_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Of an address that means loopback in both families.
const LOOPBACK: &str = "localhost:";

const PATHS: [&str; 11] = [
    "/",
    "/role",
    "/goose",
    "/duck",
    "/role/stream",
    "/history",
    "/handover",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
];

/// Connections that wait to be taken in, Linux' own bound. One beyond it would
/// try again only after a second: too late for a probe.
const BACKLOG: u32 = 4096;

/// One pod's workload, a few proxies and some people; each costs about 10 KB.
const MOST_STREAMS: usize = 64;

/// Scripts that wait, likewise.
const MOST_WAITS: usize = 64;
