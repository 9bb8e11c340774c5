//! What people and machines on call look at.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::changes::Change;
use crate::http::Front;
use crate::http::refusal::{Asked, Nothing};
use crate::http::role::good_if;

/// Whether the process works.
pub async fn livez(State(front): State<Arc<Front>>, _: Asked<Nothing>) -> Response {
    health(front.standing.alive())
}

/// Whether the Lease was ever read.
pub async fn readyz(State(front): State<Arc<Front>>, _: Asked<Nothing>) -> Response {
    health(front.standing.ready())
}

/// The last changes, the oldest first.
pub async fn history(State(front): State<Arc<Front>>, _: Asked<Nothing>) -> impl IntoResponse {
    #[derive(Serialize)]
    struct History {
        changes: Vec<Change>,
    }
    Json(History { changes: front.changes.kept() })
}

/// For Prometheus, in the format of OpenMetrics.
pub async fn metrics(State(front): State<Arc<Front>>, _: Asked<Nothing>) -> impl IntoResponse {
    let text = front.metrics.text(&front.standing.answer(), front.stream_clients());
    ([(header::CONTENT_TYPE, OPEN_METRICS)], text)
}

/// The description of all this.
pub async fn openapi(_: Asked<Nothing>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

fn health(state: Result<(), String>) -> Response {
    (good_if(state.is_ok()), state.err().unwrap_or_else(|| "ok".to_owned())).into_response()
}

/// As the documentation has it.
pub const OPENAPI: &str = include_str!("../../../docs/reference/openapi.json");

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
