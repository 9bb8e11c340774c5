//! What all Rust programs of the benchmark have in common: their settings, and the role over HTTP in the JSON of
//! this project's sidecar, so that one asker measures all alike.

mod settings;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::future::join_all;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

pub use settings::{Place, Settings};

/// A candidate of an election.
pub trait Candidate: Send + Sync + 'static {
    /// While it leads: a number that grows from each leader to the next.
    fn term(&self) -> Option<u64>;

    /// Gives the role up, where it is had, and takes part again.
    fn hand_over(self: Arc<Self>);

    /// Gives the role up, where it is had, and takes part no more. Returns when that is said.
    fn leave(&self) -> impl Future<Output = ()> + Send;
}

/// Serves HTTP for all of these until SIGTERM; then all leave.
///
/// # Errors
/// Where it cannot listen.
pub async fn serve(listen: &str, candidates: Vec<Arc<impl Candidate>>) -> Result<()> {
    let listener = TcpListener::bind(listen).await;
    let listener = listener.with_context(|| format!("wanted to listen on {listen}"))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let candidates = Arc::new(candidates);
    let router = Router::new()
        .route("/role", get(role))
        .route("/handover", post(hand_over))
        .with_state(candidates.clone());
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        // Answers go on while all leave.
        () = async {
            terminate.recv().await;
            join_all(candidates.iter().map(|one| one.leave())).await;
        } => {}
    }
    Ok(())
}

/// Now, in microseconds since 1970. Where an election has no fencing token, this is a number that grows: all members
/// are on one machine.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The answer to `GET /role`: of several candidates, whether one of them leads.
#[derive(Serialize)]
struct Answer {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
    /// How many of the candidates lead, each in an election of its own.
    geese: usize,
}

async fn role<C: Candidate>(State(candidates): State<Arc<Vec<Arc<C>>>>) -> Json<Answer> {
    let terms: Vec<_> = candidates.iter().filter_map(|one| one.term()).collect();
    let role = if terms.is_empty() { "duck" } else { "goose" };
    Json(Answer { role, term: terms.iter().max().copied(), geese: terms.len() })
}

async fn hand_over<C: Candidate>(State(candidates): State<Arc<Vec<Arc<C>>>>) {
    for one in candidates.iter().filter(|one| one.term().is_some()) {
        one.clone().hand_over();
    }
}
