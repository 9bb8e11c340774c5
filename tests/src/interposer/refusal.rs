//! Made-up errors, as an API server in trouble has them.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// One of all kinds, in turn.
pub(super) fn number(number: usize) -> Response {
    match number % 5 {
        1 => status(429, "TooManyRequests", Some(1)),
        // As of priority and fairness: no object, and the time in a header only.
        2 => (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")], "Too many requests")
            .into_response(),
        3 => status(503, "ServiceUnavailable", None),
        4 => status(500, "InternalError", None),
        _ => status(504, "Timeout", None),
    }
}

fn status(code: u16, reason: &str, retry_after: Option<u32>) -> Response {
    let body = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "made up by a test",
        "reason": reason,
        "code": code,
        "details": { "retryAfterSeconds": retry_after },
    });
    let code = StatusCode::from_u16(code).expect("a fixed code");
    (code, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
