//! The workload of a Goose is ill, and no other pod is there to lead: it stays the Goose, and the
//! cluster says so, for as long as that is so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use api::status::{condition, goose_ill};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;
use stage::{Stage, Wanted};
use tokio::net::TcpListener;

pub async fn test(stage: &Stage) -> Result<()> {
    let ill = Arc::new(AtomicBool::new(false));
    // The sidecar is a process of this machine here, and shares its localhost.
    let port = serve(ill.clone()).await?;
    let check = json!({ "httpGet": { "port": port, "path": "/healthz" }, "period": "100ms" });
    let wanted = Wanted::pods(1).with("goose", json!({ "healthCheck": check }));
    let (pond, goose) = stage.pond(&wanted).await?;
    pond.condition(condition::GOOSE_ILL, "False", goose_ill::NOT_ILL).await?;

    ill.store(true, Ordering::Relaxed);
    let says = pond.condition(condition::GOOSE_ILL, "True", goose_ill::WORKLOAD_ILL).await?;
    ensure!(says.contains(&*goose.pod) && says.contains("it answers 500"), "{says}");

    ill.store(false, Ordering::Relaxed);
    pond.condition(condition::GOOSE_ILL, "False", goose_ill::NOT_ILL).await?;
    let still = pond.settled(1).await?;
    ensure!(
        still.term == goose.term,
        "wanted it kept in term {}, found {}",
        goose.term,
        still.term
    );
    pond.judge()?;
    Ok(())
}

async fn serve(ill: Arc<AtomicBool>) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let router = Router::new().fallback(answer).with_state(ill);
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(port)
}

async fn answer(State(ill): State<Arc<AtomicBool>>) -> StatusCode {
    let is_ill = ill.load(Ordering::Relaxed);
    if is_ill { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}
