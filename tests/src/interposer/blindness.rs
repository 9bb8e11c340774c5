//! Watches that tell a little, then hide what happens, and then break.
//!
//! The next one goes on from the last event that was told, or has to begin with a list.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream::{self, BoxStream, StreamExt};

/// What one watch does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blindness {
    /// How many events it tells.
    told: usize,
    /// For how long it hides all others.
    hides: Duration,
    /// It then says that it cannot go on: the next begins with a list.
    forgets: bool,
}

impl Blindness {
    pub fn draw(random: &mut fastrand::Rng) -> Self {
        Self {
            told: random.usize(..=MOST_TOLD),
            hides: LONGEST.mul_f64(random.f64()),
            forgets: random.bool(),
        }
    }

    /// The answer to a watch, made blind.
    pub fn strike(self, answer: Response) -> Response {
        let (head, body) = answer.into_parts();
        let told = lines(body).take(self.told);
        let hidden = stream::once(tokio::time::sleep(self.hides));
        let end = hidden.map(move |()| self.forgets.then_some(Ok(FORGOTTEN)));
        let end = end.flat_map(stream::iter);
        Response::from_parts(head, Body::from_stream(told.chain(end)))
    }
}

/// One event each.
fn lines(body: Body) -> BoxStream<'static, Result<Bytes, axum::Error>> {
    let pieces = (body.into_data_stream(), Vec::new());
    let lines = stream::unfold(pieces, |(mut pieces, mut read)| async move {
        loop {
            if let Some(end) = read.iter().position(|byte| *byte == b'\n') {
                let rest = read.split_off(end + 1);
                return Some((Ok(Bytes::from(read)), (pieces, rest)));
            }
            match pieces.next().await? {
                Ok(piece) => read.extend_from_slice(&piece),
                Err(error) => return Some((Err(error), (pieces, Vec::new()))),
            }
        }
    });
    lines.boxed()
}

const MOST_TOLD: usize = 12;

const LONGEST: Duration = Duration::from_millis(800);

const FORGOTTEN: Bytes = Bytes::from_static(
    br#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}
"#,
);
