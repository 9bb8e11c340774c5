//! The workload gives its role up. The only request that changes anything, and
//! only from the pod itself: all others use Kubernetes and its authorisation.

use std::sync::Arc;

use api::names::{HANDOVER_ANNOTATION, env};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use serde::Deserialize;

use crate::http::Front;
use crate::http::connection::Peer;
use crate::http::refusal::{Asked, Refusal};
use crate::standing::Answer;

/// What may be asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    to: Option<String>,
}

/// `POST /handover`: a Duck when this is answered.
pub async fn hand_over(
    State(front): State<Arc<Front>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Answer>, Refusal> {
    let forbid = |why: String| Err(Refusal::new(StatusCode::FORBIDDEN, why));
    if !front.handover {
        return forbid(format!("hand-over by the workload is switched off by {}", env::HANDOVER));
    }
    if !peer.ip().to_canonical().is_loopback() {
        return forbid(format!(
            "wanted a request from inside the pod, found one from {}: from outside, annotate the \
             cluster with {HANDOVER_ANNOTATION}",
            peer.ip().to_canonical()
        ));
    }
    // A page in the browser of somebody who forwards the port is inside, too.
    if headers.contains_key(header::ORIGIN) {
        return forbid("wanted a request of the workload, found one of a web page".to_owned());
    }
    if let Some(to) = wanted.to {
        let why = format!(
            "wanted no \"to\", found {to:?}: a pod knows the others by uid alone; to choose who is \
             next, annotate the cluster with {HANDOVER_ANNOTATION}"
        );
        return Err(Refusal::new(StatusCode::BAD_REQUEST, why));
    }
    if !front.standing.answer().is_goose() {
        let why = "wanted the Goose, found a Duck: there is no role to give up";
        return Err(Refusal::new(StatusCode::CONFLICT, why));
    }
    front.standing.hand_over();
    Ok(Json(front.standing.answer()))
}
