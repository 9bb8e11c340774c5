//! A pod with nothing but the sidecar, made by hand: what the operator would have made right can be
//! wrong in it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::names::{SIDECAR_CONTAINER, env};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use stage::{Stage, ask, eventually};

/// The sidecar of a pod that no cluster made.
pub struct LoneMember {
    /// Where it answers.
    pub address: SocketAddr,
}

impl LoneMember {
    /// Starts it, in an account of its own that may do nothing, and with all of its environment but
    /// the variable that is left out.
    pub async fn start(stage: &Stage, left_out: Option<&str>) -> Result<Self> {
        let accounts: Api<ServiceAccount> = stage.all();
        let account = serde_json::from_value(json!({ "metadata": { "name": ACCOUNT } }))?;
        accounts.create(&PostParams::default(), &account).await?;
        let pods: Api<Pod> = stage.all();
        pods.create(&PostParams::default(), &serde_json::from_value(pod(left_out))?).await?;
        let address = eventually("the sidecar to listen", PATIENCE, async || {
            let address = stage.kubelet().address(NAME).context("not started")?;
            ask::get(address, "/livez").await.map(|_| address)
        });
        Ok(Self { address: address.await? })
    }

    /// Waits until it is not ready and says why, in words that include these.
    pub async fn is_not_ready_for(&self, reason: &str) -> Result<()> {
        eventually(&format!("not ready, by {reason:?}"), PATIENCE, async || {
            let (status, body) = ask::get(self.address, "/readyz").await?;
            ensure!(status == 503 && body.contains(reason), "{status} {body}");
            let (_, body) = ask::get(self.address, "/role").await?;
            ensure!(body.contains(r#""role":"duck""#) && body.contains("reason"), "{body}");
            Ok(())
        })
        .await
    }

    /// Waits until it is ready.
    pub async fn is_ready(&self) -> Result<()> {
        eventually("ready", PATIENCE, async || {
            let (status, body) = ask::get(self.address, "/readyz").await?;
            ensure!(status == 200, "{status} {body}");
            Ok(())
        })
        .await
    }
}

/// Lets the account do what the operator lets its own do.
pub async fn permit(stage: &Stage) -> Result<()> {
    let words = format!(
        "create rolebinding permit --role=pond-duckgoose --serviceaccount={}:{ACCOUNT}",
        stage.namespace
    );
    stage.kubectl(&words).await.map(drop)
}

fn pod(left_out: Option<&str>) -> Value {
    let field = |path: &str| json!({ "fieldRef": { "fieldPath": path } });
    let variables = [
        json!({ "name": env::CLUSTER, "value": "pond" }),
        json!({ "name": env::NAMESPACE, "valueFrom": field("metadata.namespace") }),
        json!({ "name": env::POD, "valueFrom": field("metadata.name") }),
        json!({ "name": env::POD_UID, "valueFrom": field("metadata.uid") }),
    ];
    let variables = variables.into_iter().filter(|variable| variable["name"].as_str() != left_out);
    let mut pod = stage::pond::pod();
    let mut sidecar = pod["containers"][0].clone();
    sidecar["name"] = SIDECAR_CONTAINER.into();
    sidecar["restartPolicy"] = "Always".into();
    sidecar["env"] = variables.collect();
    // The program finds no arguments: it is not the image's shell that runs here.
    sidecar.as_object_mut().expect("a container").remove("command");
    pod["initContainers"] = json!([sidecar]);
    pod["serviceAccountName"] = ACCOUNT.into();
    json!({ "metadata": { "name": NAME }, "spec": pod })
}

/// Name of the pod.
pub const NAME: &str = "lone";

const ACCOUNT: &str = "lone";

const PATIENCE: Duration = Duration::from_secs(20);
