//! A process between the operator and the API server, that sees each of its calls and can do
//! mischief.
//!
//! The operator speaks plain HTTP to it; it speaks to the API server as the administrator. It ends
//! with everything that goes through it when it is dropped.

mod blindness;
mod call;
mod past;
mod refusal;

use std::future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, TRANSFER_ENCODING};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use kube::Client;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use self::blindness::Blindness;
use self::call::Call;

/// What an interposer does besides passing everything on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mischief {
    /// At this write, counted from 1, it [strikes](Interposer::struck), and answers nothing any more.
    pub strike: Option<(usize, Moment)>,
    /// After how many calls one is answered with an error, and again after how many: in turn. Where
    /// both are the same, it may be the same call of each pass. Watches are left alone.
    pub refuse: Option<[usize; 2]>,
    /// By this seed, watches hide what happens, and every second list is of the past.
    pub deceive: Option<u64>,
}

/// When it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The API server never hears of the write.
    Before,
    /// The API server has answered, and the operator never hears of it.
    After,
}

/// A call that changes something.
#[derive(Clone, Debug)]
pub struct Write {
    /// Such as `PATCH /api/v1/namespaces/ns/pods/pond-0`.
    pub call: String,
    /// What the API server answered; none where it did not, yet.
    pub status: Option<u16>,
}

/// The process, as long as it is not dropped.
pub struct Interposer {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Interposer {
    /// Stands before the API server of this client.
    ///
    /// # Errors
    /// Where there is no free port.
    pub async fn stand(client: Client, mischief: Mischief) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let random = fastrand::Rng::with_seed(mischief.deceive.unwrap_or_default());
        let shared = Arc::new(Shared {
            client,
            mischief,
            seen: Mutex::new(Seen { random, ..Seen::default() }),
            struck: Notify::new(),
        });
        let router = Router::new().fallback(pass).with_state(shared.clone());
        let listener = listener.tap_io(|stream| {
            // Else a small answer waits for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
        });
        let serving = tokio::spawn(async move {
            // It ends when it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, serving })
    }

    /// Writes a kubeconfig that leads through it.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_kubeconfig(&self, file: &Path) -> Result<()> {
        let name = "interposer";
        let text = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": name, "cluster": { "server": format!("http://{}", self.address) } }],
            "users": [{ "name": name, "user": {} }],
            "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
            "current-context": name,
        });
        std::fs::write(file, text.to_string())
            .with_context(|| format!("wanted to write {}", file.display()))
    }

    /// All writes so far, in the order in which they came.
    pub fn writes(&self) -> Vec<Write> {
        self.shared.seen().writes.clone()
    }

    /// How many calls so far were answered with a made-up error.
    pub fn refused(&self) -> usize {
        self.shared.seen().refused
    }

    /// How many watches so far were to go blind.
    pub fn blinded(&self) -> usize {
        self.shared.seen().blind_watches
    }

    /// How many lists so far were of the past.
    pub fn past_lists(&self) -> usize {
        self.shared.seen().past_lists
    }

    /// Returns when it has struck: from then on the operator hears nothing, and is to be killed.
    pub async fn struck(&self) {
        self.shared.struck.notified().await;
    }
}

impl Drop for Interposer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Shared {
    client: Client,
    mischief: Mischief,
    seen: Mutex<Seen>,
    struck: Notify,
}

/// What came through.
#[derive(Debug, Default)]
struct Seen {
    writes: Vec<Write>,
    /// All calls but watches.
    calls: usize,
    refused: usize,
    has_struck: bool,
    past_lists: usize,
    blind_watches: usize,
    random: fastrand::Rng,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds every call from now on: the operator is about to die, and hears nothing any more.
    fn strike(&self) {
        self.seen().has_struck = true;
        self.struck.notify_one();
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let passed = async {
        let call = Call::read(request).await?;
        if call.is_watch() { shared.pass_watch(call).await } else { shared.pass_call(call).await }
    };
    passed.await.unwrap_or_else(|error: anyhow::Error| {
        (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response()
    })
}

impl Shared {
    async fn pass_watch(&self, call: Call) -> Result<Response> {
        let answer = self.forward(&call).await?;
        if self.mischief.deceive.is_none() || !answer.status().is_success() {
            return Ok(answer);
        }
        let mut seen = self.seen();
        seen.blind_watches += 1;
        Ok(Blindness::draw(&mut seen.random).strike(answer))
    }

    async fn pass_call(&self, call: Call) -> Result<Response> {
        if self.seen().has_struck {
            return future::pending().await;
        }
        if let Some(refusal) = self.refusal() {
            return Ok(refusal);
        }
        if call.is_write() {
            self.pass_write(call).await
        } else if call.is_list() && self.mischief.deceive.is_some() {
            self.pass_list(call).await
        } else {
            self.forward(&call).await
        }
    }

    async fn pass_list(&self, call: Call) -> Result<Response> {
        let (head, now) = self.forward(&call).await?.into_parts();
        let now = to_bytes(now, usize::MAX).await?;
        let earlier = {
            let random = &mut self.seen().random;
            if random.bool() { past::earlier(&call, &now, random) } else { None }
        };
        if let Some(earlier) = earlier {
            let answer = self.forward(&earlier).await?;
            if answer.status().is_success() {
                self.seen().past_lists += 1;
                return Ok(answer);
            }
        }
        Ok(Response::from_parts(head, Body::from(now)))
    }

    async fn pass_write(&self, call: Call) -> Result<Response> {
        let number = {
            let writes = &mut self.seen().writes;
            writes.push(Write { call: call.to_string(), status: None });
            writes.len()
        };
        let strike = self.mischief.strike.filter(|(at, _)| *at == number);
        let strikes = strike.map(|(_, moment)| moment);
        if strikes == Some(Moment::Before) {
            self.strike();
            return future::pending().await;
        }
        let (head, body) = self.forward(&call).await?.into_parts();
        let body = to_bytes(body, usize::MAX).await?;
        self.seen().writes[number - 1].status = Some(head.status.as_u16());
        if strikes == Some(Moment::After) {
            self.strike();
            return future::pending().await;
        }
        Ok(Response::from_parts(head, Body::from(body)))
    }

    async fn forward(&self, call: &Call) -> Result<Response> {
        let (mut head, body) = self.client.send(call.request()).await?.into_parts();
        // They are of the connection behind.
        head.headers.remove(CONNECTION);
        head.headers.remove(TRANSFER_ENCODING);
        Ok(Response::from_parts(head, Body::new(body)))
    }

    /// A made-up error, if it is this call's turn.
    fn refusal(&self) -> Option<Response> {
        let [first, second] = self.mischief.refuse?;
        let mut seen = self.seen();
        seen.calls += 1;
        let turn = seen.calls % (first + second);
        if turn != first && turn != 0 {
            return None;
        }
        seen.refused += 1;
        Some(refusal::number(seen.refused))
    }
}
