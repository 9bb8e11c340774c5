//! A member that a test sets, asked over real connections on loopback.

mod answers;
mod description;
mod examples;
mod limits;
mod requests;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use election::driver::Event;
use election::member::{Cause, Role};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::*;
use crate::standing::{Answer, Introduction};

/// What a member would say, as a test sets it.
struct Fake {
    /// The term while it is Goose.
    term: Mutex<Option<u64>>,
    /// How often it refuses a promise before it grants one.
    refusals: AtomicUsize,
    outside: AtomicBool,
}

impl Answers for Fake {
    fn answer(&self) -> Answer {
        if self.outside.load(Ordering::Relaxed) {
            return Answer::outside("no name".to_owned());
        }
        let [pod, cluster, namespace] = ["pond-1", "pond", "default"].map(str::to_owned);
        let term = *self.term.lock().unwrap();
        Answer {
            role: if term.is_some() { "goose" } else { "duck" },
            goose: term.map(|_| pod.clone()),
            introduction: Some(Introduction { pod, cluster, namespace }),
            term,
            seen_ms_ago: Some(15),
            reason: None,
            obstacle: None,
        }
    }
    fn promise(&self, hold: Duration) -> bool {
        let step = |left: usize| left.checked_sub(1);
        let refused = self.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        self.answer().is_goose() && refused.is_err() && hold <= self.longest_hold()
    }
    fn longest_hold(&self) -> Duration {
        Duration::from_millis(2358)
    }
    fn hand_over(&self) {
        *self.term.lock().unwrap() = None;
    }
    fn alive(&self) -> Result<(), String> {
        Ok(())
    }
    fn ready(&self) -> Result<(), String> {
        if self.outside.load(Ordering::Relaxed) { Err("no name".to_owned()) } else { Ok(()) }
    }
}

/// A sidecar that serves, without an election behind it.
struct Sidecar {
    address: SocketAddr,
    member: Arc<Fake>,
    changes: Arc<Changes>,
}

impl Sidecar {
    async fn start(limits: Limits, handover: bool) -> Sidecar {
        let member = Arc::new(Fake {
            term: Mutex::new(Some(812)),
            refusals: AtomicUsize::new(0),
            outside: AtomicBool::new(false),
        });
        let changes = Arc::new(Changes::new());
        let metrics = Arc::new(Metrics::new("pond"));
        let front = Front::new(member.clone(), Arc::clone(&changes), metrics, handover);
        let listeners = listen("127.0.0.1:0").unwrap();
        let address = listeners[0].local_addr().unwrap();
        tokio::spawn(serve(listeners, front, limits));
        let sidecar = Sidecar { address, member, changes };
        sidecar.becomes(Some(812));
        sidecar
    }

    /// One that is the Goose of term 812.
    async fn goose() -> Sidecar {
        Sidecar::start(Limits::default(), true).await
    }

    fn becomes(&self, term: Option<u64>) {
        *self.member.term.lock().unwrap() = term;
        let (role, cause) = match term {
            Some(term) => (Role::Goose { term }, Cause::TookFree),
            None => (Role::Duck, Cause::HandOverAsked),
        };
        self.changes.note("pond-1", Event::Became(role, cause));
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends this text, and tells all that comes until the connection ends.
    async fn send(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect().await;
        let _ = stream.write_all(request).await;
        Reply::read(stream).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &str) -> Reply {
        let end = "host: pond\r\nconnection: close\r\n";
        self.send(format!("{method} {path} HTTP/1.1\r\n{headers}{end}\r\n").as_bytes()).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "").await
    }

    async fn stream(&self, headers: &str) -> Events {
        let mut stream = self.connect().await;
        let request = format!("GET /role/stream HTTP/1.1\r\nhost: pond\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Events { lines: BufReader::new(stream) }
    }
}

/// An answer, taken apart.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    async fn read(mut stream: TcpStream) -> Reply {
        let mut bytes = Vec::new();
        // A reset after the answer is the client's fault: it sent too much.
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        Reply { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> &str {
        let lines = self.head.lines();
        let found = lines.filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Server-sent events as a client reads them.
struct Events {
    lines: BufReader<TcpStream>,
}

impl Events {
    /// Name, id and data of the next event.
    async fn next(&mut self) -> (String, String, Value) {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let line = self.line().await;
            match line.split_once(": ") {
                Some(("event", value)) => name = value.to_owned(),
                Some(("id", value)) => id = value.to_owned(),
                Some(("data", value)) => data = serde_json::from_str(value).unwrap(),
                _ if line.is_empty() && !name.is_empty() => return (name, id, data),
                _ => {}
            }
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = tokio::time::timeout(Duration::from_secs(10), self.lines.read_line(&mut line));
        assert_ne!(read.await.expect("wanted a line in ten seconds").unwrap(), 0, "it ended");
        line.trim_end().to_owned()
    }
}
