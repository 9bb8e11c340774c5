//! One connection: HTTP/1.1, with bounds on time and size.
//!
//! hyper answers a request that it cannot read by itself, and without a body.
//! That answer is withheld here, and one that says what is wrong goes out.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::http::connections::{Limits, Place};
use crate::http::refusal::Refusal;

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Answers on one connection until either side ends it, or it has to make room.
pub async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    place: Place,
    limits: Limits,
) {
    // Where the system knows neither, answers are slower and unread ones stay longer.
    let _ = stream.set_nodelay(true);
    let _ = set_tcp_user_timeout(&stream, limits.unread.as_millis() as u32);
    let place = Arc::new(place);
    tokio::select! {
        () = converse(stream, peer, router, Arc::clone(&place), limits) => {}
        () = place.given_up() => {}
    }
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    place: Arc<Place>,
    limits: Limits,
) {
    let service = service_fn(|request| answer(request, peer, router.clone(), Arc::clone(&place)));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(Wire::new(stream), service);
    let ended = (&mut connection).await;
    if let Some(refusal) = ended.err().as_ref().and_then(unreadable) {
        let stream = connection.into_parts().io.io.into_inner();
        // Whoever does not want to read it misses it.
        let _ = timeout(limits.head, part(stream, &refusal.to_wire())).await;
    }
}

/// One request. Its connection may be closed in favour of another until the
/// head is there, and again once the whole answer is: a stream's never is.
async fn answer(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    router: Router,
    place: Arc<Place>,
) -> Result<Response, Infallible> {
    place.is_busy();
    request.extensions_mut().insert(Peer(peer));
    let response = router.oneshot(request.map(Body::new)).await;
    let whole = |response: &Response| response.body().size_hint().exact().is_some();
    if response.as_ref().is_ok_and(whole) {
        place.waits();
    }
    response
}

/// What to tell a client whose request could not be read; `None` where the
/// connection just ended, or was idle for too long.
fn unreadable(error: &hyper::Error) -> Option<Refusal> {
    let (status, what) = if error.is_parse_version_h2() {
        let what = "wanted HTTP/1.1, found HTTP/2: ask without prior knowledge of it";
        (StatusCode::BAD_REQUEST, what.to_owned())
    } else if error.is_parse_too_large() {
        let what = format!("wanted a request's line and headers of at most {LONGEST_HEAD} bytes");
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, what)
    } else if error.is_parse() {
        (StatusCode::BAD_REQUEST, format!("wanted a request of HTTP/1.1, found {error}"))
    } else {
        return None;
    };
    Some(Refusal::new(status, what))
}

/// Says why, and reads on for a moment: closing at once, with something unread,
/// would reset the connection before the client has read the answer.
async fn part(mut stream: TcpStream, answer: &str) -> io::Result<()> {
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    let unread = async {
        let (mut rest, mut seen) = ([0; 1024], 0);
        while seen < MOST_UNREAD {
            match stream.read(&mut rest).await? {
                0 => break,
                some => seen += some,
            }
        }
        Ok(())
    };
    timeout(LINGER, unread).await.unwrap_or(Ok(()))
}

/// A stream that keeps back what hyper says by itself.
struct Wire {
    io: TokioIo<TcpStream>,
    withheld: bool,
}

impl Wire {
    fn new(stream: TcpStream) -> Wire {
        Wire { io: TokioIo::new(stream), withheld: false }
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.withheld |= is_hypers_own(bytes);
        if self.withheld {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.withheld {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// Whether this begins an answer of 4xx that the router did not give: all of
/// the router's say that they are not to be stored.
fn is_hypers_own(bytes: &[u8]) -> bool {
    let refuses = bytes.starts_with(b"HTTP/1.") && bytes.get(9) == Some(&b'4');
    refuses && !bytes.windows(NEVER_STORED.len()).any(|window| window == NEVER_STORED)
}

const NEVER_STORED: &[u8] = b"cache-control: no-store";

/// Bytes; the least that hyper can be told. No client of a sidecar sends more.
const LONGEST_HEAD: usize = 8192;

/// Bytes of a refused request that are still read, and for how long.
const MOST_UNREAD: usize = 4 << 20;

const LINGER: Duration = Duration::from_secs(1);
