//! An API server that has one Lease.

use std::collections::VecDeque;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use axum::{Json, Router};
use futures::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::identity::Identity;

/// A server that can be stopped, and started again on the same port.
pub struct Server {
    pub port: u16,
    store: Shared,
    life: Option<Runtime>,
}

type Shared = Arc<Store>;

/// What outlives a restart.
struct Store {
    content: Mutex<Content>,
    /// Goes up at each change, to wake the watches.
    changes: watch::Sender<u64>,
}

/// The Lease, and what the test wants.
pub struct Content {
    pub lease: Value,
    revision: u64,
    /// What watches are told, with the version of each.
    events: Vec<(u64, Value)>,
    /// What becomes of the next writes, one after the other; then all are served.
    pub writes: VecDeque<Fate>,
    /// The one token that is let in.
    pub token: String,
    /// Watches stay open, and are told nothing.
    pub mute: bool,
    /// The next watch is told that its version is too old.
    pub gone: bool,
    /// Requests so far.
    pub seen: Seen,
}

/// Requests of each kind, by when they came.
#[derive(Clone, Default)]
pub struct Seen {
    pub reads: Vec<Instant>,
    pub watches: Vec<Instant>,
    pub writes: Vec<Instant>,
}

/// What becomes of a write.
pub enum Fate {
    /// It is refused with this status, and `Retry-After` in seconds.
    Refused(u16, Option<u32>),
    /// It is never answered.
    Unanswered,
    /// It is applied, and never answered.
    AppliedUnanswered,
}

impl Server {
    pub fn start(identity: &Identity, lease: Value) -> Server {
        let content = Content {
            lease,
            revision: 0,
            events: Vec::new(),
            writes: VecDeque::new(),
            token: String::new(),
            mute: false,
            gone: false,
            seen: Seen::default(),
        };
        let store =
            Arc::new(Store { content: Mutex::new(content), changes: watch::Sender::new(0) });
        let mut server = Server { port: 0, store, life: None };
        server.change(|_| {});
        server.start_again(identity);
        server
    }

    /// Nothing listens any more, and all connections are closed.
    pub fn stop(&mut self) {
        if let Some(life) = self.life.take() {
            life.shutdown_background();
        }
    }

    pub fn start_again(&mut self, identity: &Identity) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let life = runtime.expect("a runtime of its own");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = std::net::TcpListener::bind(address).expect("the port is free");
        listener.set_nonblocking(true).expect("it listens");
        self.port = listener.local_addr().expect("it has an address").port();
        let acceptor = identity.acceptor.clone();
        let routes = Router::new()
            .route(&format!("{LEASES}/{{name}}"), get(read).put(write))
            .route(LEASES, get(follow))
            .with_state(Arc::clone(&self.store));
        life.spawn(async move {
            let tcp = TcpListener::from_std(listener).expect("the runtime polls it");
            axum::serve(Secured { tcp, acceptor }, routes).await
        });
        self.life = Some(life);
    }

    pub fn content(&self) -> MutexGuard<'_, Content> {
        self.store.lock()
    }

    /// Somebody writes to the Lease.
    pub fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut content = self.content();
        change(&mut content.lease);
        content.commit();
        drop(content);
        self.wake_watches();
    }

    /// Whoever watches looks whether there is something to tell, or to end for.
    pub fn wake_watches(&self) {
        self.store.changes.send_modify(|count| *count += 1);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no handler panics")
    }
}

impl Content {
    fn commit(&mut self) {
        self.revision += 1;
        self.lease["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        self.events.push((self.revision, self.lease.clone()));
    }

    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let wanted = format!("Bearer {}", self.token);
        headers.get("authorization").is_some_and(|found| found.as_bytes() == wanted.as_bytes())
    }
}

async fn read(State(store): State<Shared>, headers: HeaderMap) -> Response {
    let mut content = store.lock();
    content.seen.reads.push(Instant::now());
    if !content.lets_in(&headers) {
        return status(401, None);
    }
    Json(content.lease.clone()).into_response()
}

async fn write(
    State(store): State<Shared>,
    headers: HeaderMap,
    Json(new): Json<Value>,
) -> Response {
    let fate = {
        let mut content = store.lock();
        content.seen.writes.push(Instant::now());
        if !content.lets_in(&headers) {
            return status(401, None);
        }
        content.writes.pop_front()
    };
    match fate {
        Some(Fate::Refused(code, retry_after)) => return status(code, retry_after),
        Some(Fate::Unanswered) => return pending().await,
        _ => {}
    }
    let answer = {
        let mut content = store.lock();
        let version = |lease: &Value| lease["metadata"]["resourceVersion"].clone();
        if version(&new) != version(&content.lease) {
            return status(409, None);
        }
        content.lease = new;
        content.commit();
        Json(content.lease.clone()).into_response()
    };
    store.changes.send_modify(|count| *count += 1);
    match fate {
        Some(Fate::AppliedUnanswered) => pending().await,
        _ => answer,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    resource_version: String,
}

/// A watch from a version on.
async fn follow(
    State(store): State<Shared>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    {
        let mut content = store.lock();
        content.seen.watches.push(Instant::now());
        if !content.lets_in(&headers) {
            return status(401, None);
        }
    }
    let from: u64 = wanted.resource_version.parse().expect("a version, as the driver sends it");
    let changes = store.changes.subscribe();
    Body::from_stream(stream::unfold(Some((store, changes, from)), next_event)).into_response()
}

type Watch = (Shared, watch::Receiver<u64>, u64);

/// The next line of a watch, and the watch after it; it ends with an error.
async fn next_event(watch: Option<Watch>) -> Option<(Result<String, axum::Error>, Option<Watch>)> {
    let (store, mut changes, from) = watch?;
    loop {
        changes.borrow_and_update();
        {
            let mut content = store.lock();
            if std::mem::take(&mut content.gone) {
                let gone = json!({"code": 410, "message": "too old", "status": "Failure"});
                return Some((Ok(line("ERROR", &gone)), None));
            }
            let next = content.events.iter().find(|(version, _)| *version > from);
            if let Some((version, lease)) = next.filter(|_| !content.mute) {
                let (line, version) = (line("MODIFIED", lease), *version);
                drop(content);
                return Some((Ok(line), Some((store, changes, version))));
            }
        }
        changes.changed().await.ok()?;
    }
}

fn line(kind: &str, object: &Value) -> String {
    json!({"type": kind, "object": object}).to_string() + "\n"
}

/// As Kubernetes says it: in plain text where it is overloaded.
fn status(code: u16, retry_after: Option<u32>) -> Response {
    let code = StatusCode::from_u16(code).expect("a status");
    match retry_after {
        Some(seconds) => (code, [("retry-after", seconds.to_string())], "later").into_response(),
        None => {
            let status = json!({"code": code.as_u16(), "message": "no", "status": "Failure"});
            (code, Json(status)).into_response()
        }
    }
}

/// Connections, once they are secured.
struct Secured {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.tcp.accept().await else { continue };
            let secured = tokio::time::timeout(HANDSHAKE, self.acceptor.accept(stream)).await;
            // A client that does not trust this server hangs up.
            if let Ok(Ok(stream)) = secured {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

const HANDSHAKE: Duration = Duration::from_secs(1);
