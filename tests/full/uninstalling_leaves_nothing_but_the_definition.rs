//! `helm uninstall` and deleting the cluster, in both orders: nothing hangs, and nothing is left but
//! the CustomResourceDefinition, which is kept on purpose.

use std::time::Duration;

use anyhow::{Result, ensure};
use stage::theatre::{OPERATOR_NAMESPACE, RELEASE, helm, kubectl};
use stage::{Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let played = both_orders(stage).await;
    // Whatever became of it: others want an operator.
    install(stage).await?;
    played
}

async fn both_orders(stage: &Stage) -> Result<()> {
    let (pond, _) = stage.pond(&Wanted::pods(2)).await?;
    stage.kubectl(DELETE_CLUSTER).await?;
    nothing_is_left_of_the_cluster(stage).await?;
    uninstall(stage).await?;
    nothing_is_left_of_the_product(stage).await?;
    pond.judge()?;

    install(stage).await?;
    let (pond, goose) = stage.pond(&Wanted::pods(2)).await?;
    uninstall(stage).await?;
    nothing_is_left_of_the_product(stage).await?;
    let found = pond.observer.goose(Duration::from_secs(5)).await?;
    ensure!(
        found.term == goose.term,
        "wanted {goose:?} to go on without the operator, found {found:?}"
    );
    stage.kubectl(DELETE_CLUSTER).await?;
    nothing_is_left_of_the_cluster(stage).await?;
    pond.judge()?;
    Ok(())
}

async fn install(stage: &Stage) -> Result<()> {
    let words = [
        "upgrade",
        "--install",
        RELEASE,
        "charts/duckduckgoose",
        "--namespace",
        OPERATOR_NAMESPACE,
    ];
    let wait = ["--create-namespace", "--wait", "--timeout", "2m"];
    let faults = ["--set", stage::theatre::FAULTS_ARE_LET_PASS];
    helm(stage.cluster(), &[&words[..], &wait, &faults].concat()).await.map(drop)
}

async fn uninstall(stage: &Stage) -> Result<()> {
    let words =
        ["uninstall", RELEASE, "--namespace", OPERATOR_NAMESPACE, "--wait", "--timeout", "1m"];
    helm(stage.cluster(), &words).await.map(drop)
}

/// What a namespace has by itself is all that may be in it.
async fn nothing_is_left_of_the_cluster(stage: &Stage) -> Result<()> {
    eventually("nothing left of the cluster", PATIENCE, async || {
        let kinds = "statefulsets,pods,controllerrevisions,services,endpointslices,leases,\
                     serviceaccounts,roles,rolebindings,configmaps,secrets,poddisruptionbudgets,duckgooseclusters";
        let found = stage.kubectl(&format!("get {kinds} --output=name")).await?;
        let left = found.lines().filter(|line| !OF_EVERY_NAMESPACE.contains(line));
        let left: Vec<_> = left.collect();
        ensure!(left.is_empty(), "{}", left.join(", "));
        Ok(())
    })
    .await
}

async fn nothing_is_left_of_the_product(stage: &Stage) -> Result<()> {
    let kinds = "clusterroles,clusterrolebindings,flowschemas,prioritylevelconfigurations,\
                 validatingadmissionpolicies,validatingadmissionpolicybindings,customresourcedefinitions";
    let namespaced = "deployments,replicasets,pods,services,leases,serviceaccounts,roles,rolebindings,configmaps,secrets";
    eventually("nothing left of the product", PATIENCE, async || {
        let words = ["get", kinds, "--output=name"];
        let found = kubectl(stage.cluster(), &words).await?;
        let ours: Vec<_> = found.lines().filter(|line| line.contains("duck")).collect();
        ensure!(ours == [DEFINITION], "{ours:?}");
        let words = ["--namespace", OPERATOR_NAMESPACE, "get", namespaced, "--output=name"];
        let found = kubectl(stage.cluster(), &words).await?;
        let left: Vec<_> =
            found.lines().filter(|line| !OF_EVERY_NAMESPACE.contains(line)).collect();
        ensure!(left.is_empty(), "{}", left.join(", "));
        Ok(())
    })
    .await
}

const DELETE_CLUSTER: &str = "delete dgc pond --timeout=30s";

const DEFINITION: &str =
    "customresourcedefinition.apiextensions.k8s.io/duckgooseclusters.duckduckgoose.dev";

const OF_EVERY_NAMESPACE: [&str; 2] = ["serviceaccount/default", "configmap/kube-root-ca.crt"];

/// For the garbage collector and the pods' end.
const PATIENCE: Duration = Duration::from_secs(60);
