//! A workload with hooks: its pod says goose once it has accepted, and nobody else leads before it
//! has acknowledged that it ceased. It takes its time for both.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::extract::State;
use axum::{Json, Router};
use serde_json::{Value, json};
use stage::{Stage, Wanted};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// One request to the workload.
#[derive(Clone, Debug)]
struct Call {
    role: String,
    term: u64,
    came: Instant,
    answered: Instant,
}

type Calls = Arc<Mutex<Vec<Call>>>;

pub async fn test(stage: &Stage) -> Result<()> {
    let calls = Calls::default();
    // The sidecars are processes of this machine here, and share its localhost.
    let port = serve(calls.clone()).await?;
    let hooks = json!({
        "becomeGoose": { "port": port, "path": "/become-goose" },
        "ceaseGoose": { "port": port, "path": "/cease-goose", "timeout": "600ms" },
    });
    let (pond, goose) = stage.pond(&Wanted::pods(3).with("hooks", hooks)).await?;
    stage.kubelet().terminate(&goose.pod)?;
    let next = pond.goose_after(&goose).await?;
    let began = Instant::now() - pond.observer.now();
    pond.judge()?;

    let find = |role: &str, term: u64| {
        let calls = calls.lock().expect("no handler panics").clone();
        let found = calls.iter().find(|call| (call.role.as_str(), call.term) == (role, term));
        found.cloned().with_context(|| format!("wanted {role} {term} among {calls:?}"))
    };
    let (accepted, ceased) = (find("goose", goose.term)?, find("duck", goose.term)?);
    let accepted_next = find("goose", next.term)?;
    for (accepted, led) in [(accepted, &goose), (accepted_next.clone(), &next)] {
        ensure!(began + led.at >= accepted.answered, "{led:?} before {accepted:?}");
    }
    ensure!(accepted_next.came >= ceased.answered, "{accepted_next:?} before {ceased:?}");
    Ok(())
}

async fn serve(calls: Calls) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let router = Router::new().fallback(answer).with_state(calls);
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(port)
}

async fn answer(State(calls): State<Calls>, Json(body): Json<Value>) {
    let came = Instant::now();
    sleep(TAKES).await;
    let role = body["role"].as_str().unwrap_or_default().to_owned();
    let term = body["term"].as_u64().unwrap_or_default();
    let call = Call { role, term, came, answered: Instant::now() };
    calls.lock().expect("no handler panics").push(call);
}

const TAKES: Duration = Duration::from_millis(200);
