//! The pretended kubelet: `cargo test -p duckduckgoose-testbed --test pretend`. Needs no root.
//!
//! The sidecar is this very program, called with the name of its test [`sidecar`].

use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use api::names::{self, SIDECAR_CONTAINER};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Node, Pod};
use kube::api::{DeleteParams, Patch, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::json;
use testbed::{Cluster, Options, PretendKubelet, Progress};

#[tokio::test(flavor = "multi_thread")]
async fn sidecars_run_as_processes() {
    let options = Options { progress: Progress::quiet(), ..Options::light("light-pretend") };
    let cluster = Cluster::start(options).await.unwrap();
    let client = cluster.client().await.unwrap();
    let kubelet =
        PretendKubelet::start(&cluster, "default", env::current_exe().unwrap()).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(client.clone());

    every_pod_of_a_set_becomes_ready(&client, &pods, &kubelet).await;
    its_account_is_its_own(&kubelet).await;
    a_killed_sidecar_is_started_again_in_place(&pods, &kubelet).await;
    a_frozen_sidecar_is_not_ready(&pods, &kubelet).await;
    sidecars_outlive_an_outage_of_the_api_server(&cluster, &pods, &kubelet).await;
    a_deleted_pod_ends_first_and_is_made_anew(&pods, &kubelet).await;
    a_pod_of_another_node_is_left_alone(&pods, &kubelet).await;
    dropped_it_ends_its_sidecars(kubelet).await;
    cluster.down().await.unwrap();
}

#[test]
#[ignore = "it is the sidecar of the other test, and runs until it is killed"]
fn sidecar() {
    std::fs::write(variable(names::env::TERMINATION_LOG), variable(names::env::POD_UID)).unwrap();
    let listener = TcpListener::bind(variable(names::env::LISTEN)).unwrap();
    let body = format!("{} {}", variable(names::env::POD), variable("KUBECONFIG"));
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut question = [0; 1024];
        // A probe that gives up is no fault of ours.
        let _ = stream.read(&mut question);
        let _ = write!(stream, "HTTP/1.0 200 OK\r\n\r\n{body}");
    }
}

async fn every_pod_of_a_set_becomes_ready(
    client: &Client,
    pods: &Api<Pod>,
    kubelet: &PretendKubelet,
) {
    let sets: Api<StatefulSet> = Api::default_namespaced(client.clone());
    let set = json!({
        "metadata": { "name": "pond" },
        "spec": {
            "replicas": 2,
            "serviceName": "pond-members",
            "podManagementPolicy": "Parallel",
            "selector": { "matchLabels": { "app": "pond" } },
            "template": { "metadata": { "labels": { "app": "pond" } }, "spec": pod_spec(None) },
        },
    });
    sets.create(&PostParams::default(), &serde_json::from_value(set).unwrap()).await.unwrap();
    for name in ["pond-0", "pond-1"] {
        let pod = eventually(pods, name, is_ready).await;
        assert_eq!(pod.spec.unwrap().node_name.as_deref(), Some("pretend-default"));
        assert!(ask(kubelet.address(name).unwrap()).unwrap().starts_with(name));
    }
    let nodes: Api<Node> = Api::all(client.clone());
    assert!(nodes.get("pretend-default").await.is_ok());
}

async fn its_account_is_its_own(kubelet: &PretendKubelet) {
    let answer = ask(kubelet.address("pond-0").unwrap()).unwrap();
    let path = answer.split_once(' ').unwrap().1;
    let kubeconfig = Kubeconfig::read_from(path).unwrap();
    let config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let reviews: Api<SelfSubjectReview> = Api::all(Client::try_from(config).unwrap());
    let review =
        reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await.unwrap();
    let user = review.status.unwrap().user_info.unwrap();
    assert_eq!(user.username.as_deref(), Some("system:serviceaccount:default:default"));
}

async fn a_killed_sidecar_is_started_again_in_place(pods: &Api<Pod>, kubelet: &PretendKubelet) {
    let address = kubelet.address("pond-0");
    kubelet.kill("pond-0").unwrap();
    let pod = eventually(pods, "pond-0", |pod| restarts(pod) == 1 && is_ready(pod)).await;
    let end = status(&pod).unwrap().last_state.clone().and_then(ended).unwrap();
    assert_eq!(end, (137, pod.uid()), "its termination message is the uid that it wrote");
    assert_eq!(kubelet.address("pond-0"), address);
}

async fn a_frozen_sidecar_is_not_ready(pods: &Api<Pod>, kubelet: &PretendKubelet) {
    kubelet.freeze("pond-0").unwrap();
    eventually(pods, "pond-0", |pod| !is_ready(pod)).await;
    kubelet.thaw("pond-0").unwrap();
    let pod = eventually(pods, "pond-0", is_ready).await;
    assert_eq!(restarts(&pod), 1, "it is the same process");
}

async fn sidecars_outlive_an_outage_of_the_api_server(
    cluster: &Cluster,
    pods: &Api<Pod>,
    kubelet: &PretendKubelet,
) {
    cluster.apiserver().stop().await.unwrap();
    kubelet.kill("pond-1").unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(ask(kubelet.address("pond-0").unwrap()).is_ok());
    cluster.apiserver().start().await.unwrap();
    eventually(pods, "pond-1", |pod| restarts(pod) == 1 && is_ready(pod)).await;
    assert_eq!(restarts(&pods.get("pond-0").await.unwrap()), 1);
}

async fn a_deleted_pod_ends_first_and_is_made_anew(pods: &Api<Pod>, kubelet: &PretendKubelet) {
    let before = pods.get("pond-1").await.unwrap();
    // With a finalizer the object stays, and its last status can be read.
    let hold = |finalizers: serde_json::Value| {
        Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }))
    };
    pods.patch("pond-1", &Default::default(), &hold(json!(["duckduckgoose.dev/test"])))
        .await
        .unwrap();
    pods.delete("pond-1", &DeleteParams::default()).await.unwrap();
    let ended_state =
        |pod: &Pod| status(pod).and_then(|status| status.state.clone()).and_then(ended);
    let pod = eventually(pods, "pond-1", |pod| ended_state(pod).is_some()).await;
    // 143: by SIGTERM, which the sidecar does not handle.
    assert_eq!(ended_state(&pod), Some((143, before.uid())));
    assert!(kubelet.kill("pond-1").is_err(), "nothing of it runs any more");
    pods.patch("pond-1", &Default::default(), &hold(json!(null))).await.unwrap();

    let after = eventually(pods, "pond-1", |pod| pod.uid() != before.uid() && is_ready(pod)).await;
    assert_eq!(restarts(&after), 0);
}

async fn a_pod_of_another_node_is_left_alone(pods: &Api<Pod>, kubelet: &PretendKubelet) {
    let pod = json!({ "metadata": { "name": "elsewhere" }, "spec": pod_spec(Some("other")) });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(kubelet.address("elsewhere").is_none());
}

async fn dropped_it_ends_its_sidecars(kubelet: PretendKubelet) {
    let address = kubelet.address("pond-0").unwrap();
    assert!(ask(address).is_ok());
    drop(kubelet);
    let until = Instant::now() + Duration::from_secs(5);
    while ask(address).is_ok() {
        assert!(Instant::now() < until, "it still answers");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn pod_spec(node: Option<&str>) -> serde_json::Value {
    let field = |path: &str| json!({ "fieldRef": { "fieldPath": path } });
    json!({
        "nodeName": node,
        "initContainers": [{
            "name": SIDECAR_CONTAINER,
            "image": "none",
            "restartPolicy": "Always",
            "args": ["--exact", "sidecar", "--ignored", "--nocapture"],
            "env": [
                { "name": names::env::POD, "valueFrom": field("metadata.name") },
                { "name": names::env::POD_UID, "valueFrom": field("metadata.uid") },
            ],
        }],
        "containers": [{ "name": "work", "image": "none" }],
    })
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("wanted {name} in the environment"))
}

fn ask(server: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&server, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.rsplit("\r\n").next().unwrap_or_default().to_owned())
}

async fn eventually(pods: &Api<Pod>, name: &str, wanted: impl Fn(&Pod) -> bool) -> Pod {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let pod = pods.get_opt(name).await.unwrap();
        if let Some(pod) = pod.as_ref().filter(|pod| wanted(pod)) {
            return pod.clone();
        }
        assert!(Instant::now() < until, "the pod {name} stayed {pod:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn status(pod: &Pod) -> Option<&ContainerStatus> {
    pod.status.as_ref()?.init_container_statuses.as_ref()?.first()
}

fn restarts(pod: &Pod) -> i32 {
    status(pod).map_or(0, |status| status.restart_count)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Exit code and message.
fn ended(state: ContainerState) -> Option<(i32, Option<String>)> {
    state.terminated.map(|end| (end.exit_code, end.message))
}
