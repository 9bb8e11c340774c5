//! One request to the workload, which is on localhost.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The workload has ended, or does not listen yet.
    #[error("nobody listens on port {0} of localhost")]
    NobodyListens(u16),
    /// It takes too long.
    #[error("wanted an answer within {0:?}, found none")]
    Silent(Duration),
    /// The connection broke, or what came over it is no HTTP.
    #[error("wanted an answer, found {0}")]
    Broken(String),
}

/// Sends it, and returns the status of the answer.
///
/// # Errors
/// When there is none within `limit`.
pub async fn send(
    method: Method,
    port: u16,
    path: &str,
    body: String,
    limit: Duration,
) -> Result<StatusCode, RequestError> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, format!("localhost:{port}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .map_err(broken)?;
    timeout(limit, exchange(port, request)).await.map_err(|_| RequestError::Silent(limit))?
}

async fn exchange(port: u16, request: Request<Body>) -> Result<StatusCode, RequestError> {
    let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let addresses = loopback.map(|address| SocketAddr::new(address, port));
    let stream = TcpStream::connect(&addresses[..]).await.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => RequestError::NobodyListens(port),
        _ => broken(error),
    })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let (answer, _) = tokio::join!(
        async {
            let answer = sender.send_request(request).await;
            // The connection ends with its sender; the body is of no interest.
            drop(sender);
            answer.map(|answer| answer.status())
        },
        connection
    );
    answer.map_err(broken)
}

fn broken(error: impl std::error::Error) -> RequestError {
    RequestError::Broken(error.to_string())
}
