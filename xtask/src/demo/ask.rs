//! Asking a pod whether it is the Goose.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
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
use testbed::Node;

/// Times since it was started: one for all members, so that their answers can be compared.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// Zero is now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn now(self) -> Duration {
        self.0.elapsed()
    }
}

/// The way to a pod's sidecar.
#[derive(Clone)]
pub enum Way {
    /// From inside the network of the pod's own node: open also while the node is cut off.
    Node(Node, SocketAddr),
    /// Straight ahead.
    Direct(SocketAddr),
    /// By the API server, into a cluster that this machine has no route into.
    Proxy {
        /// Of the cluster.
        client: Client,
        /// The pod's.
        namespace: String,
        /// The pod's name.
        pod: String,
    },
}

impl Way {
    /// How long to wait between two questions.
    pub fn pace(&self) -> Duration {
        match self {
            Self::Node(..) | Self::Direct(_) => Duration::from_millis(5),
            // Each one costs the API server a connection.
            Self::Proxy { .. } => Duration::from_millis(100),
        }
    }
}

/// Asks one pod, again and again, over one connection where there can be one.
pub struct Asker {
    member: Arc<str>,
    pod: Arc<str>,
    way: Way,
    clock: Clock,
    connection: Option<SendRequest<Empty<Bytes>>>,
}

impl Asker {
    /// Of the pod of this uid and name. The times of its answers are on this clock.
    pub fn new(uid: &str, pod: &str, way: Way, clock: Clock) -> Self {
        Self { member: uid.into(), pod: pod.into(), way, clock, connection: None }
    }

    /// One question.
    ///
    /// # Errors
    /// Where no answer comes in time, or one that is not understood.
    pub async fn ask(&mut self) -> Result<Answer> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange()).await;
        let answer =
            answer.unwrap_or_else(|_| bail!("no answer within {} ms", PATIENCE.as_millis()));
        if answer.is_err() {
            // What was asked over it may still be answered: nobody shall take that for the next answer.
            self.connection = None;
        }
        answer
    }

    async fn exchange(&mut self) -> Result<Answer> {
        let way = self.way.clone();
        let (asked, body) = match way {
            Way::Proxy { client, namespace, pod } => {
                let path =
                    format!("/api/v1/namespaces/{namespace}/pods/{pod}:{SIDECAR_PORT}/proxy/role");
                let asked = self.clock.now();
                let body = client.request_text(Request::get(path).body(Vec::new())?).await?;
                (asked, body.into_bytes())
            }
            Way::Node(node, address) => {
                self.exchange_over(|| dial_inside(&node, address), address).await?
            }
            Way::Direct(address) => self.exchange_over(|| dial(address), address).await?,
        };
        let answered = self.clock.now();
        let said = read(&body)?;
        Ok(Answer { member: self.member.clone(), pod: self.pod.clone(), said, asked, answered })
    }

    async fn exchange_over(
        &mut self,
        dial: impl FnOnce() -> Result<TcpStream>,
        address: SocketAddr,
    ) -> Result<(Duration, Vec<u8>)> {
        if self.connection.as_ref().is_none_or(SendRequest::is_closed) {
            self.connection = Some(connect(tokio::task::block_in_place(dial)?).await?);
        }
        let connection = self.connection.as_mut().expect("connected above");
        connection.ready().await?;
        let question = Request::get("/role").header(HOST, address.to_string()).body(Empty::new())?;
        let asked = self.clock.now();
        let response = connection.send_request(question).await?;
        if response.status() != StatusCode::OK {
            bail!("wanted 200 OK, found {}", response.status());
        }
        Ok((asked, response.into_body().collect().await?.to_bytes().to_vec()))
    }
}

fn dial_inside(node: &Node, address: SocketAddr) -> Result<TcpStream> {
    node.inside(|| dial(address))?
}

fn dial(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_nonblocking(true)?;
    // Small questions, at once.
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn connect(stream: TcpStream) -> Result<SendRequest<Empty<Bytes>>> {
    let stream = tokio::net::TcpStream::from_std(stream)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; what went wrong on it, the sender is told too.
    tokio::spawn(connection);
    Ok(sender)
}

/// The part of `GET /role` that is of interest here.
#[derive(Deserialize)]
struct Body {
    role: String,
    term: Option<u64>,
}

fn read(body: &[u8]) -> Result<Said> {
    let text = || format!("wanted the role as JSON, found {:?}", String::from_utf8_lossy(body));
    let body: Body = serde_json::from_slice(body).with_context(text)?;
    match (body.role.as_str(), body.term) {
        (api::names::GOOSE, Some(term)) => Ok(Said::Goose { term }),
        (api::names::GOOSE, None) => bail!("wanted a term with the role of Goose, found none"),
        (api::names::DUCK, _) => Ok(Said::Duck),
        (other, _) => bail!("wanted the role goose or duck, found {other:?}"),
    }
}

/// The sidecar answers from its memory.
const PATIENCE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_sidecar_says() {
        assert_eq!(
            read(br#"{"role":"goose","pod":"pond-0","term":712}"#).unwrap(),
            Said::Goose { term: 712 }
        );
        assert_eq!(read(br#"{"role":"duck","goose":"pond-0","term":712}"#).unwrap(), Said::Duck);
        assert_eq!(read(br#"{"role":"duck"}"#).unwrap(), Said::Duck);
    }

    #[test]
    fn a_goose_without_a_term_is_not_believed() {
        assert!(read(br#"{"role":"goose"}"#).is_err());
        assert!(read(b"goose").is_err());
    }
}
