//! An operator that is told of a collector sends it spans of its passes and of its calls, as OTLP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use stage::life::{Act, Life};
use stage::{Operator, eventually};
use testbed::Cluster;
use tokio::net::TcpListener;

pub async fn test(cluster: &Cluster) -> Result<()> {
    let client = cluster.client().await?;
    let life = Life::begin(&client).await?;
    let sent = Sent::default();
    let collector = collect(sent.clone()).await?;
    let arguments = ["--watch-namespace", &life.namespace, "--otlp-endpoint", &collector];
    let _operator = Operator::start(&cluster.kubeconfig(), "traced.log", &arguments)?;
    life.play(Act::Make).await?;
    for words in ["duckgoose-operator", "pass", &life.namespace, "apply StatefulSet"] {
        eventually(&format!("{words:?} in what is sent"), PATIENCE, async || {
            let sent = sent.lock().expect("no handler panics");
            // Protobuf has strings as they are.
            let is_there = sent.windows(words.len()).any(|window| window == words.as_bytes());
            ensure!(is_there, "not in {} bytes", sent.len());
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// All that was sent, one after the other.
type Sent = Arc<Mutex<Vec<u8>>>;

async fn collect(sent: Sent) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/v1/traces", post(keep)).with_state(sent);
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

async fn keep(State(sent): State<Sent>, body: Bytes) {
    sent.lock().expect("no handler panics").extend_from_slice(&body);
}

/// Spans are sent every five seconds, and the machine is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);
