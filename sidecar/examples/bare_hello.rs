//! What the sidecar's speed is compared with: axum, saying hello, on one thread.
//!
//! `bare_hello [ADDRESS]`; see docs/performance.md.

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4039".to_owned());
    let router = Router::new().route("/", get(async || "hello"));
    axum::serve(TcpListener::bind(address).await?, router).await
}
