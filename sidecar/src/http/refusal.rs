//! What is answered when nothing else can be: JSON that says what was wanted,
//! what was found and what to do.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::PATHS;

/// An answer of 4xx or 5xx.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: String,
    paths: &'static [&'static str],
    retry_after_seconds: Option<u64>,
}

impl Refusal {
    /// What is wrong, in words.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Refusal {
        Refusal { status, error: error.into(), paths: &[], retry_after_seconds: None }
    }

    /// As many clients of a kind as there may be are there already.
    pub fn full(error: impl Into<String>) -> Refusal {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error);
        Refusal { retry_after_seconds: Some(5), ..refusal }
    }

    /// The whole answer as it goes over the wire, for a request that could not
    /// even be read. The connection is closed after it.
    pub fn to_wire(&self) -> String {
        let body = serde_json::to_string(&self.body()).expect("text and a list of text");
        format!(
            "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.status,
            body.len()
        )
    }

    fn body(&self) -> Problem<'_> {
        Problem { error: &self.error, paths: self.paths }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    paths: &'static [&'static str],
}

/// The query of a request. One that has anything else in it is refused: it was
/// misspelt, and its sender relies on what it does not get.
pub struct Asked<T>(pub T);

/// No query at all.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked<T>, Refusal> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => Ok(Asked(asked)),
            Err(error) => {
                let error = format!("cannot read the query: {}", error.body_text());
                Err(Refusal::new(StatusCode::BAD_REQUEST, error))
            }
        }
    }
}

/// For every path that there is not.
pub async fn no_such_path(uri: Uri) -> Refusal {
    let error = format!("wanted one of these paths, found {:?}", uri.path());
    Refusal { paths: &PATHS, ..Refusal::new(StatusCode::NOT_FOUND, error) }
}

/// For every method that a path does not have. What it has is in `Allow`, which
/// is also all that `OPTIONS` wants to know.
pub async fn no_such_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let error = format!("wanted a method that `allow` lists, found {method}");
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error);
    Refusal { paths: &PATHS, ..refusal }.into_response()
}
