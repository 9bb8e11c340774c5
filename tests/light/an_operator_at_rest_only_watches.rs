//! While nothing happens but the Goose's renewals, the operator reads nothing and writes nothing for
//! a minute, as the API server counts: it only watches.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use stage::life::{Act, Life};
use stage::requests::Requests;
use stage::{Operator, eventually, theatre};
use testbed::{Cluster, PretendKubelet};
use tokio::time::sleep;

pub async fn test(cluster: &Cluster) -> Result<()> {
    let client = cluster.client().await?;
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    bindings.create(&PostParams::default(), &serde_json::from_value(binding())?).await?;
    let operator = json!({ "kind": "User", "user": { "name": USER } });
    let requests = Requests::count(&client, "operator-at-rest", operator, &ALL_BUT_WATCH).await?;

    let life = Life::begin(&client).await?;
    let sidecar = theatre::built("duckgoose", "duckduckgoose-sidecar")?;
    let _kubelet = PretendKubelet::start(cluster, &life.namespace, sidecar).await?;
    let _operator = start_operator(cluster)?;
    life.play(Act::Make).await?;
    eventually("a cluster", SETTLING, async || life.has_come_about(Act::Make).await).await?;
    sleep(SETTLED).await;

    let before = requests.so_far().await?;
    sleep(WINDOW).await;
    let meanwhile = requests.so_far().await? - before;
    println!("     {before} requests until all was done, then {meanwhile} in {WINDOW:?}");
    ensure!(meanwhile == 0, "wanted none, found {meanwhile} requests");
    life.has_come_about(Act::Make).await
}

/// As a user of its own, so that its requests can be told from others.
fn start_operator(cluster: &Cluster) -> Result<Operator> {
    let mut kubeconfig: Value = serde_json::from_slice(&std::fs::read(cluster.kubeconfig())?)?;
    kubeconfig["users"][0]["user"]["as"] = USER.into();
    let file = theatre::left_behind().join("operator-at-rest.kubeconfig");
    std::fs::create_dir_all(theatre::left_behind())?;
    std::fs::write(&file, kubeconfig.to_string())?;
    Operator::start(&file, "operator-at-rest.log", &[])
}

fn binding() -> Value {
    json!({
        "metadata": { "name": USER },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER }],
    })
}

const USER: &str = "operator-at-rest";

const ALL_BUT_WATCH: [&str; 7] =
    ["get", "list", "create", "update", "patch", "delete", "deletecollection"];

/// For a machine that is busy with other things.
const SETTLING: Duration = Duration::from_secs(60);

/// Longer than the operator puts off anything.
const SETTLED: Duration = Duration::from_secs(5);

const WINDOW: Duration = Duration::from_secs(60);
