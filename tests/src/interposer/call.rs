//! A call of the operator, read whole.

use std::fmt;

use anyhow::{Context, Result};
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use axum::http::request::Parts;
use axum::http::{Method, Uri};

pub(super) struct Call {
    head: Parts,
    body: Bytes,
}

impl Call {
    pub async fn read(request: Request) -> Result<Self> {
        let (mut head, body) = request.into_parts();
        // They are of the connection before; the client writes its own.
        for header in [HOST, CONNECTION, CONTENT_LENGTH] {
            head.headers.remove(header);
        }
        Ok(Self { head, body: to_bytes(body, usize::MAX).await? })
    }

    /// The same call of another query.
    pub fn with_query(&self, query: &str) -> Result<Self> {
        let mut head = self.head.clone();
        head.uri =
            format!("{}?{query}", head.uri.path()).parse::<Uri>().context(query.to_owned())?;
        Ok(Self { head, body: self.body.clone() })
    }

    pub fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    pub fn is_watch(&self) -> bool {
        self.query().contains("watch=true")
    }

    /// Whether a watch is about to begin with its answer.
    pub fn is_list(&self) -> bool {
        self.head.method == Method::GET && self.query().contains("limit=")
    }

    pub fn is_write(&self) -> bool {
        self.head.method != Method::GET
    }

    /// As it is to be sent on.
    pub fn request(&self) -> Request<kube::client::Body> {
        Request::from_parts(self.head.clone(), self.body.clone().into())
    }
}

/// Method and path.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.head.method, self.head.uri.path())
    }
}
