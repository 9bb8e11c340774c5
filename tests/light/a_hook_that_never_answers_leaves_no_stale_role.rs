//! SIGTERM in the middle of a hook that never answers: of ceasing, when the sidecar waits no longer
//! than its lease lasts, and of becoming, when the pod has not yet said that it leads. It ends
//! orderly both times, and another leads.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::extract::State;
use axum::{Json, Router};
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use stage::{Stage, Wanted, ask, eventually};
use tokio::net::TcpListener;

pub async fn test(stage: &Stage) -> Result<()> {
    let workload = Workload::default();
    // The sidecars are processes of this machine here, and share its localhost.
    let port = workload.serve().await?;
    let hooks = json!({
        "becomeGoose": { "port": port, "path": "/become-goose", "timeout": "60s" },
        "ceaseGoose": { "port": port, "path": "/cease-goose", "timeout": "600ms" },
    });
    let (pond, goose) = stage.pond(&Wanted::pods(2).with("hooks", hooks)).await?;
    let other = if &*goose.pod == "pond-0" { "pond-1" } else { "pond-0" };

    workload.never_answers(&[(&goose.pod, "duck"), (other, "goose")]);
    stage.kubelet().terminate(&goose.pod)?;
    workload.is_asked(&goose.pod, "duck").await?;
    let ceasing = pond.observer.now();
    ended_orderly(stage, &goose.pod).await?;
    let last = pond.observer.look(|seen| seen.history.last_goose(&goose.uid).cloned());
    let last = last.context("wanted to have heard the Goose")?;
    ensure!(last.asked < ceasing, "a stale role: {last:?}, ceasing {ceasing:?}");

    // The other has the Lease now, and says duck until its workload agrees.
    workload.is_asked(other, "goose").await?;
    let address = stage.kubelet().address(other).context("wanted its address")?;
    let (_, role) = ask::get(address, "/role").await?;
    ensure!(role.contains(r#""role":"duck""#) && role.contains(r#""reason":""#), "{role}");
    stage.kubelet().terminate(other)?;
    ended_orderly(stage, other).await?;

    workload.never_answers(&[]);
    pond.goose_after(&goose).await?;
    pond.settled(2).await?;
    pond.judge()?;
    Ok(())
}

/// Waits until the sidecar of this pod was started again after an end of its own accord.
async fn ended_orderly(stage: &Stage, pod: &str) -> Result<()> {
    let pods = stage.all::<Pod>();
    eventually(&format!("an orderly end of {pod}"), PATIENCE, async || {
        let status = pods.get(pod).await?.status.unwrap_or_default();
        let sidecar = status.init_container_statuses.into_iter().flatten().next();
        let ended = sidecar.and_then(|sidecar| sidecar.last_state?.terminated);
        let ended = ended.context("it has not ended")?;
        ensure!(ended.exit_code == 0, "{ended:?}");
        Ok(())
    })
    .await
}

/// What answers the hooks of all pods.
#[derive(Clone, Default)]
struct Workload(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    /// Which calls come to nothing: pod and role.
    unanswered: Vec<(String, String)>,
    /// All that came.
    came: Vec<(String, String)>,
}

impl Workload {
    async fn serve(&self) -> Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Ok(port)
    }

    fn never_answers(&self, calls: &[(&str, &str)]) {
        let calls = calls.iter().map(|(pod, role)| ((*pod).to_owned(), (*role).to_owned()));
        self.0.lock().expect("no handler panics").unanswered = calls.collect();
    }

    async fn is_asked(&self, pod: &str, role: &str) -> Result<()> {
        eventually(&format!("{pod} to be told {role}"), PATIENCE, async || {
            let came = &self.0.lock().expect("no handler panics").came;
            ensure!(came.contains(&(pod.to_owned(), role.to_owned())), "{came:?}");
            Ok(())
        })
        .await
    }
}

async fn answer(State(workload): State<Workload>, Json(body): Json<Value>) {
    let word = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let call = (word("pod"), word("role"));
    let is_answered = {
        let mut calls = workload.0.lock().expect("no handler panics");
        calls.came.push(call.clone());
        !calls.unanswered.contains(&call)
    };
    if !is_answered {
        pending::<()>().await;
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
