//! The role: in JSON or in one word, at once, after a change, or with a promise.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use api::names::{DUCK, GOOSE};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};
use tokio::time::{Instant, sleep, timeout};

use crate::http::Front;
use crate::http::refusal::{Asked, Nothing, Refusal};
use crate::standing::{Answer, Answers};

/// What may be asked for beside the role.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// To be promised that the role stays for so long (rule 11).
    #[serde(default, deserialize_with = "span")]
    hold: Option<Duration>,
    /// To be answered when the role changes, or after so long.
    #[serde(default, deserialize_with = "span")]
    wait: Option<Duration>,
    /// The role to be waited out; the present one when absent.
    not: Option<RoleName>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    Goose,
    Duck,
}

/// The body of `/role`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(flatten)]
    answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_refused: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_ms: Option<u64>,
}

/// What clients of the classic leader-elector sidecar expect.
pub async fn name(State(front): State<Arc<Front>>, _: Asked<Nothing>) -> impl IntoResponse {
    #[derive(Serialize)]
    struct Name {
        name: String,
    }
    Json(Name { name: front.standing.answer().goose.unwrap_or_default() })
}

/// `/role`: at once, or with all that is asked for.
pub async fn role(
    State(front): State<Arc<Front>>,
    headers: HeaderMap,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Refusal> {
    wanted.check(&headers)?;
    let waited = match wanted.wait {
        Some(limit) => Some(wait(&front, wanted.not, limit).await?),
        None => None,
    };
    let hold = match wanted.hold {
        Some(hold) => Some(promise(front.standing.as_ref(), hold).await),
        None => None,
    };
    let answer = front.standing.answer();
    if wants_plain_text(&headers) {
        return Ok(answer.role.into_response());
    }
    // A role that was given up since: what was promised is kept, but not told.
    let hold = hold.map(|hold| if answer.is_goose() { hold } else { Err(ONLY_THE_GOOSE) });
    Ok(Json(Told {
        answer,
        hold_ms: hold.and_then(Result::ok).map(in_ms),
        hold_refused: hold.and_then(Result::err),
        waited_ms: waited.map(in_ms),
    })
    .into_response())
}

/// For probes and load balancers: good while this is the Goose.
pub async fn goose(
    State(front): State<Arc<Front>>,
    headers: HeaderMap,
    _: Asked<Nothing>,
) -> Response {
    let answer = front.standing.answer();
    (good_if(answer.is_goose()), body(&headers, answer)).into_response()
}

/// Good while this is a Duck.
pub async fn duck(
    State(front): State<Arc<Front>>,
    headers: HeaderMap,
    _: Asked<Nothing>,
) -> Response {
    let answer = front.standing.answer();
    (good_if(!answer.is_goose()), body(&headers, answer)).into_response()
}

/// JSON, or the one word where plain text is asked for.
fn body(headers: &HeaderMap, answer: Answer) -> Response {
    if wants_plain_text(headers) {
        answer.role.into_response()
    } else {
        Json(answer).into_response()
    }
}

/// 200, or 503.
pub fn good_if(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

impl Wanted {
    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let refuse = |why| Err(Refusal::new(StatusCode::BAD_REQUEST, why));
        if self.not.is_some() && self.wait.is_none() {
            return refuse("wanted wait beside not, for example wait=30s&not=duck");
        }
        if self.hold.is_some_and(|hold| hold.is_zero()) {
            return refuse("wanted a hold of at least 1ms: without one, nothing is promised");
        }
        if self.hold.is_some() && wants_plain_text(headers) {
            return refuse(
                "wanted hold with JSON, found it with text/plain: the one word could not tell \
                 whether the hold was granted",
            );
        }
        Ok(())
    }
}

/// Waits until the role is another one than `not`, or for `limit`; how long it was.
async fn wait(front: &Front, not: Option<RoleName>, limit: Duration) -> Result<Duration, Refusal> {
    let Ok(_place) = front.waits.try_acquire() else {
        return Err(Refusal::full("too many clients wait for a change already: ask again later"));
    };
    let since = Instant::now();
    let not = not.map_or_else(|| front.standing.answer().role, RoleName::in_words);
    let mut changes = front.changes.newest();
    let changed = async {
        while front.standing.answer().role == not {
            if changes.changed().await.is_err() {
                pending::<()>().await;
            }
        }
    };
    // Whether it changed is what the answer will say.
    let _ = timeout(limit.min(LONGEST_WAIT), changed).await;
    Ok(since.elapsed())
}

/// Rule 11. The first hold of its length has to be written to the Lease before
/// it can be promised, so it may take a moment; that the promise is counted
/// from later than its asker counts is to the asker's advantage.
async fn promise(standing: &dyn Answers, asked: Duration) -> Result<Duration, &'static str> {
    let hold = asked.min(standing.longest_hold());
    let give_up = Instant::now() + LONGEST_RENEWAL;
    loop {
        if standing.promise(hold) {
            return Ok(hold);
        }
        if !standing.answer().is_goose() {
            return Err(ONLY_THE_GOOSE);
        }
        if Instant::now() >= give_up {
            return Err("the Lease could not be renewed for it in time: ask again, or for less");
        }
        sleep(RETRY).await;
    }
}

impl RoleName {
    fn in_words(self) -> &'static str {
        match self {
            RoleName::Goose => GOOSE,
            RoleName::Duck => DUCK,
        }
    }
}

fn wants_plain_text(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accepted.is_some_and(|it| it.contains("text/plain") && !it.contains("application/json"))
}

/// A whole number with its unit.
fn span<'de, D: Deserializer<'de>>(text: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(text)?;
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000)];
    let read = units.iter().find_map(|(unit, ms)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Duration::from_millis(u64::from(number) * ms))
    });
    let wanted = || format!("wanted a span such as 500ms, 30s or 2m, found {text:?}");
    read.map(Some).ok_or_else(|| serde::de::Error::custom(wanted()))
}

fn in_ms(span: Duration) -> u64 {
    span.as_millis() as u64
}

const ONLY_THE_GOOSE: &str = "only the Goose promises, and this pod is a Duck";

/// Most proxies give up on an answer after a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(55);

/// For how long a promise may have to be waited for: many times as long as a renewal takes.
const LONGEST_RENEWAL: Duration = Duration::from_millis(500);

const RETRY: Duration = Duration::from_millis(5);
