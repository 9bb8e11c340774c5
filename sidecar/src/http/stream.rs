//! Server-sent events: the role now, then each change.
//!
//! A client has no buffer that could grow: it has its place in the history, and
//! what it missed is looked up when its connection has room. One that does not
//! read is closed by the connection's bound on unread bytes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::changes::Change;
use crate::http::Front;
use crate::http::refusal::{Asked, Nothing, Refusal};

/// `/role/stream`. With `Last-Event-ID` it begins with the changes since then.
pub async fn stream(
    State(front): State<Arc<Front>>,
    headers: HeaderMap,
    _: Asked<Nothing>,
) -> Result<Response, Refusal> {
    let Ok(seat) = Arc::clone(&front.streams).try_acquire_owned() else {
        return Err(Refusal::full("too many clients have a stream already: ask again later"));
    };
    let client = Client::new(front, seat, headers.get("last-event-id").map(|id| id.as_bytes()));
    let events = unfold(client, |mut client| async move {
        let event = client.next().await;
        Some((Ok::<_, Infallible>(event), client))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

/// One client, and what it has been told.
struct Client {
    front: Arc<Front>,
    newest: watch::Receiver<u64>,
    told: u64,
    /// Changes that it has not been told, never more than are kept at all.
    missed: VecDeque<Change>,
    role_is_due: bool,
    gap_is_due: bool,
    _seat: OwnedSemaphorePermit,
}

impl Client {
    fn new(front: Arc<Front>, seat: OwnedSemaphorePermit, last_id: Option<&[u8]>) -> Client {
        let newest = front.changes.newest();
        let now = *newest.borrow();
        let last =
            last_id.map(|id| std::str::from_utf8(id).ok().and_then(|id| front.changes.number(id)));
        let mut client = Client {
            front,
            newest,
            told: last.flatten().unwrap_or(now),
            missed: VecDeque::new(),
            role_is_due: true,
            // Its last event was another process's: what was in between, nobody knows.
            gap_is_due: last == Some(None),
            _seat: seat,
        };
        client.catch_up();
        client
    }

    async fn next(&mut self) -> Event {
        loop {
            if std::mem::take(&mut self.gap_is_due) {
                return Event::default().event("gap").data("{}");
            }
            if let Some(change) = self.missed.pop_front() {
                let id = change.id.clone();
                return event("change", &change).id(id);
            }
            if std::mem::take(&mut self.role_is_due) {
                // Worked out now, when the connection has room for it (rule 2).
                let id = self.front.changes.id(self.told);
                return event("role", &self.front.standing.answer()).id(id);
            }
            if self.newest.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            self.role_is_due = true;
            self.catch_up();
        }
    }

    fn catch_up(&mut self) {
        let (missed, lost) = self.front.changes.after(self.told);
        self.told = *self.newest.borrow_and_update();
        self.missed = missed.into();
        self.gap_is_due |= lost;
    }
}

fn event(name: &str, data: &impl Serialize) -> Event {
    let data = serde_json::to_string(data).expect("text and numbers");
    Event::default().event(name).data(data)
}

/// Proxies close what is silent for a minute, some after half of it.
const HEARTBEAT: Duration = Duration::from_secs(10);
