//! Asks one member over a kept connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::names::SIDECAR_PORT;
use history::{Answer, Said};
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use kube::Client;
use serde::Deserialize;
use tokio::net::{TcpSocket, TcpStream};

use crate::clock::Clock;
use crate::way::Way;

/// Asks one member, one question at a time.
pub(crate) struct Asker {
    pub member: Arc<str>,
    pub pod: Arc<str>,
    pub way: Way,
    /// Of the API server, for [`Way::Proxy`].
    pub proxy: Option<(Client, String)>,
    pub clock: Clock,
    connection: Option<SendRequest<Empty<Bytes>>>,
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silence {
    #[error("no answer within {} ms", PATIENCE.as_millis())]
    Late,
    #[error("wanted a connection, found {0}")]
    Unconnected(String),
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the API server says {0}")]
    Proxy(#[source] Box<kube::Error>),
    #[error("wanted 200 OK, found {0}")]
    Status(StatusCode),
    #[error("wanted the role of {wanted} as JSON, found {found:?}")]
    Strange { wanted: Arc<str>, found: String },
}

impl Asker {
    pub fn new(
        member: &Arc<str>,
        pod: &Arc<str>,
        way: Way,
        proxy: Option<(Client, String)>,
        clock: Clock,
    ) -> Self {
        let (member, pod) = (member.clone(), pod.clone());
        Self { member, pod, way, proxy, clock, connection: None }
    }

    /// Whether it has a connection that a question could go over.
    pub fn is_connected(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.is_closed())
    }

    /// Makes the connection that the first question will go over.
    pub async fn connect_ahead(&mut self) {
        if let Some(address) = self.way.address() {
            // The first question tries again.
            self.connection = self.connect(address).await.ok();
        }
    }

    /// One question.
    pub async fn ask(&mut self) -> Result<Answer, Silence> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange()).await;
        let answer = answer.unwrap_or(Err(Silence::Late));
        if answer.is_err() {
            // What was asked over it may still be answered: nobody shall take that for the next answer.
            self.connection = None;
        }
        answer
    }

    async fn exchange(&mut self) -> Result<Answer, Silence> {
        let (asked, body) = match &self.way {
            Way::Proxy => self.exchange_by_proxy().await?,
            Way::Inside(_, address) | Way::Direct(address) => self.exchange_at(*address).await?,
        };
        let answered = self.clock.now();
        let said = read(&body, &self.pod)?;
        let (member, pod) = (self.member.clone(), self.pod.clone());
        Ok(Answer { member, pod, said, asked, answered })
    }

    async fn exchange_by_proxy(&self) -> Result<(Duration, Vec<u8>), Silence> {
        let no_client = || Silence::Unconnected("no API server to go by".to_owned());
        let (client, namespace) = self.proxy.as_ref().ok_or_else(no_client)?;
        let pod = &self.pod;
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{SIDECAR_PORT}/proxy/role");
        let question = Request::get(path).body(Vec::new()).expect("a pod's name fits into a path");
        let asked = self.clock.now();
        let body = client.request_text(question).await;
        Ok((asked, body.map_err(|error| Silence::Proxy(Box::new(error)))?.into_bytes()))
    }

    async fn exchange_at(&mut self, address: SocketAddr) -> Result<(Duration, Vec<u8>), Silence> {
        if !self.is_connected() {
            self.connection = Some(self.connect(address).await?);
        }
        let connection = self.connection.as_mut().expect("connected above");
        connection.ready().await?;
        let question = Request::get("/role").header(HOST, address.to_string());
        let question = question.body(Empty::new()).expect("an address fits into a header");
        let asked = self.clock.now();
        let response = connection.send_request(question).await?;
        if response.status() != StatusCode::OK {
            return Err(Silence::Status(response.status()));
        }
        Ok((asked, response.into_body().collect().await?.to_bytes().to_vec()))
    }

    async fn connect(&self, address: SocketAddr) -> Result<SendRequest<Empty<Bytes>>, Silence> {
        let unconnected = |error: &dyn std::fmt::Display| Silence::Unconnected(error.to_string());
        let socket = match &self.way {
            // A socket stays in the network that it was made in.
            Way::Inside(node, _) => {
                node.inside(|| socket(address)).map_err(|error| unconnected(&error))?
            }
            Way::Direct(_) | Way::Proxy => socket(address),
        };
        let stream = async { socket?.connect(address).await };
        let stream: TcpStream = stream.await.map_err(|error| unconnected(&error))?;
        // Small questions, at once.
        stream.set_nodelay(true).map_err(|error| unconnected(&error))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; what went wrong on it, the sender is told too.
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn socket(address: SocketAddr) -> std::io::Result<TcpSocket> {
    if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}

/// The part of `GET /role` that is of interest here.
#[derive(Deserialize)]
struct Body {
    role: String,
    pod: Option<String>,
    term: Option<u64>,
}

/// An address can be another pod's by now: who answers must be who was asked.
fn read(body: &[u8], pod: &Arc<str>) -> Result<Said, Silence> {
    let strange = || Silence::Strange {
        wanted: pod.clone(),
        found: String::from_utf8_lossy(body).into_owned(),
    };
    let body: Body = serde_json::from_slice(body).map_err(|_| strange())?;
    if body.pod.is_some_and(|answering| *answering != **pod) {
        return Err(strange());
    }
    match (body.role.as_str(), body.term) {
        (api::names::GOOSE, Some(term)) => Ok(Said::Goose { term }),
        (api::names::DUCK, _) => Ok(Said::Duck),
        _ => Err(strange()),
    }
}

/// The sidecar answers from its memory.
const PATIENCE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> Option<Said> {
        read(body.as_bytes(), &"pond-0".into()).ok()
    }

    #[test]
    fn reads_what_a_sidecar_says() {
        let goose = r#"{"role":"goose","pod":"pond-0","term":712}"#;
        assert_eq!(said(goose), Some(Said::Goose { term: 712 }));
        assert_eq!(said(r#"{"role":"duck","goose":"pond-1","term":712}"#), Some(Said::Duck));
        assert_eq!(said(r#"{"role":"duck"}"#), Some(Said::Duck));
    }

    #[test]
    fn a_goose_without_a_term_is_not_believed() {
        assert_eq!(said(r#"{"role":"goose"}"#), None);
        assert_eq!(said("goose"), None);
    }

    #[test]
    fn another_pod_at_the_same_address_is_not_taken_for_this_one() {
        assert_eq!(said(r#"{"role":"goose","pod":"pond-7","term":712}"#), None);
    }
}
