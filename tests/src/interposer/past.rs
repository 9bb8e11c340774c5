//! Lists as they were some writes ago.
//!
//! A replica of the API server that lags behind may serve them. What is watched from there on tells
//! all that has happened since.

use axum::body::Bytes;
use serde::Deserialize;

use super::Call;

/// The same list as of an earlier time, where this is it as of now.
pub(super) fn earlier(call: &Call, now: &Bytes, random: &mut fastrand::Rng) -> Option<Call> {
    let list: List = serde_json::from_slice(now).ok()?;
    let now: u64 = list.metadata.resource_version.parse().ok()?;
    let version = now.checked_sub(random.u64(1..=FARTHEST))?;
    let query = call.query();
    call.with_query(&format!("{query}&resourceVersion={version}&resourceVersionMatch=Exact")).ok()
}

#[derive(Deserialize)]
struct List {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
}

/// In writes of all clients to all objects: some seconds.
const FARTHEST: u64 = 300;
