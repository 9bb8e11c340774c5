//! The full tier: `cargo test -p duckduckgoose-testbed --test full`. Needs root.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::{ListParams, PostParams};
use testbed::{Cluster, Container, Image, Options, Progress};

#[tokio::test(flavor = "multi_thread")]
async fn nodes_pods_and_their_faults() {
    let cluster = Cluster::start(options("full-one")).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client().await.unwrap());
    three_nodes_are_ready(&cluster).await;
    let web = a_busybox_pod_serves(&pods).await;
    a_cut_node_is_reached_only_from_inside(&cluster, web);
    a_frozen_container_does_not_answer(&cluster, web);
    a_killed_container_is_started_again(&cluster, &pods).await;
    all_containers_of_a_pod_are_killed(&cluster, &pods).await;
    a_stopped_kubelet_starts_nothing(&cluster, &pods).await;
    an_image_of_ones_own_runs(&cluster, &pods).await;
    the_api_server_stops_and_starts(&cluster).await;

    let processes = cluster.pod("default", "web").unwrap().containers();
    assert_eq!(names(&processes), ["side", "web"]);
    cluster.down().await.unwrap();
    nothing_is_left(&processes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_takes_the_cluster_down() {
    let test = tokio::spawn(async {
        let options = Options { nodes: 1, ..options("full-panic") };
        let cluster = Cluster::start(options).await.unwrap();
        panic!("a test that fails has {}", cluster.name());
    });
    assert!(test.await.unwrap_err().is_panic());
    assert!(!Cluster::exists("full-panic").unwrap());
    only_logs_are_left("full-panic");
}

async fn three_nodes_are_ready(cluster: &Cluster) {
    let nodes: Api<Node> = Api::all(cluster.client().await.unwrap());
    let nodes = nodes.list(&ListParams::default()).await.unwrap();
    let ready = nodes.items.iter().filter(|node| {
        let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
        conditions
            .into_iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    });
    assert_eq!(ready.count(), 3);
}

async fn a_busybox_pod_serves(pods: &Api<Pod>) -> SocketAddr {
    let serve = "echo quack >/tmp/index.html; exec httpd -f -p 8080 -h /tmp";
    let pod = serde_json::json!({
        "metadata": { "name": "web" },
        "spec": {
            "nodeName": "n2",
            "terminationGracePeriodSeconds": 1,
            "containers": [
                { "name": "web", "image": "busybox:stable", "command": ["sh", "-c", serve] },
                { "name": "side", "image": "busybox:stable", "command": ["sleep", "3600"] },
            ],
        },
    });
    let pod = serde_json::from_value(pod).unwrap();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    let pod = eventually(pods, "web", |pod| phase(pod) == Some("Running")).await;
    let address: IpAddr = pod.status.unwrap().pod_ip.unwrap().parse().unwrap();
    let web = SocketAddr::new(address, 8080);
    until(Duration::from_secs(10), || ask(web).is_ok());
    assert_eq!(ask(web).unwrap(), "quack\n");
    web
}

fn a_cut_node_is_reached_only_from_inside(cluster: &Cluster, web: SocketAddr) {
    let node = cluster.node("n2").unwrap();
    node.cut().unwrap();
    let from_outside = ask(web);
    let from_inside = node.inside(|| ask(web)).unwrap();
    node.heal().unwrap();
    assert!(from_outside.is_err(), "a cut node's pod answered {from_outside:?}");
    assert_eq!(from_inside.unwrap(), "quack\n");
    until(Duration::from_secs(10), || ask(web).is_ok());
}

fn a_frozen_container_does_not_answer(cluster: &Cluster, web: SocketAddr) {
    let pod = cluster.pod("default", "web").unwrap();
    pod.freeze("web").unwrap();
    let frozen = ask(web);
    pod.thaw("web").unwrap();
    assert!(frozen.is_err(), "a stopped process answered {frozen:?}");
    assert_eq!(ask(web).unwrap(), "quack\n");

    pod.freeze_cgroup("web").unwrap();
    let frozen = ask(web);
    pod.thaw_cgroup("web").unwrap();
    assert!(frozen.is_err(), "a frozen cgroup answered {frozen:?}");
    assert_eq!(ask(web).unwrap(), "quack\n");
}

async fn a_killed_container_is_started_again(cluster: &Cluster, pods: &Api<Pod>) {
    cluster.pod("default", "web").unwrap().kill("web").unwrap();
    let pod =
        eventually(pods, "web", |pod| restarts(pod, "web") == 1 && is_running(pod, "web")).await;
    assert_eq!(restarts(&pod, "side"), 0);
    assert_eq!(last_exit_code(&pod, "web"), Some(137));
    let missing = cluster.pod("default", "web").unwrap().kill("other").unwrap_err().to_string();
    assert!(missing.contains("the container other of the pod default/web"), "{missing}");
}

async fn all_containers_of_a_pod_are_killed(cluster: &Cluster, pods: &Api<Pod>) {
    let side_before = restarts(&pods.get("web").await.unwrap(), "side");
    cluster.pod("default", "web").unwrap().kill_all().unwrap();
    eventually(pods, "web", |pod| {
        restarts(pod, "side") > side_before && is_running(pod, "side") && is_running(pod, "web")
    })
    .await;
}

async fn a_stopped_kubelet_starts_nothing(cluster: &Cluster, pods: &Api<Pod>) {
    let kubelet = cluster.node("n2").unwrap().kubelet();
    kubelet.stop().await.unwrap();
    assert!(!kubelet.runs());
    cluster.pod("default", "web").unwrap().kill("side").unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(names(&cluster.pod("default", "web").unwrap().containers()), ["web"]);
    kubelet.start().await.unwrap();
    eventually(pods, "web", |pod| is_running(pod, "side") && restarts(pod, "side") == 2).await;
}

async fn an_image_of_ones_own_runs(cluster: &Cluster, pods: &Api<Pod>) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("whoami.tar");
    let image = Image::new("docker.io/duckduckgoose/whoami:test")
        .program("/bin/id", "/bin/busybox")
        .entrypoint(["/bin/id", "-u"]);
    image.write(&archive).unwrap();
    cluster.load_image(&archive).await.unwrap();
    let pod = serde_json::json!({
        "metadata": { "name": "whoami" },
        "spec": { "restartPolicy": "Never", "containers": [{
            "name": "main", "image": "duckduckgoose/whoami:test", "imagePullPolicy": "Never",
            "securityContext": { "runAsNonRoot": true, "readOnlyRootFilesystem": true },
        }] },
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    eventually(pods, "whoami", |pod| phase(pod) == Some("Succeeded")).await;
    assert_eq!(pods.logs("whoami", &Default::default()).await.unwrap(), "65532\n");
}

async fn the_api_server_stops_and_starts(cluster: &Cluster) {
    let client = cluster.client().await.unwrap();
    cluster.apiserver().stop().await.unwrap();
    assert!(client.apiserver_version().await.is_err());
    cluster.apiserver().start().await.unwrap();
    assert!(client.apiserver_version().await.is_ok());
}

fn nothing_is_left(processes: &[Container]) {
    for Container { name, pid, .. } in processes {
        assert!(!Path::new(&format!("/proc/{pid}/exe")).exists(), "{name} still runs as {pid}");
    }
    assert!(!Cluster::exists("full-one").unwrap());
    let state = testbed::places::state().join("full-one");
    assert!(!state.exists());
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    assert!(!mounts.contains(state.to_str().unwrap()), "{mounts}");
}

/// One question over HTTP, from the network namespace of the calling thread.
fn ask(server: SocketAddr) -> io::Result<String> {
    let patience = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&server, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    body.ok_or_else(|| io::Error::other(format!("wanted an HTTP answer, found {answer:?}")))
}

async fn eventually(pods: &Api<Pod>, name: &str, wanted: impl Fn(&Pod) -> bool) -> Pod {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let pod = pods.get(name).await.unwrap();
        if wanted(&pod) {
            return pod;
        }
        assert!(Instant::now() < until, "the pod {name} stayed {:#?}", pod.status);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn until(patience: Duration, wanted: impl Fn() -> bool) {
    let until = Instant::now() + patience;
    while !wanted() {
        assert!(Instant::now() < until, "not within {patience:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

fn status<'a>(
    pod: &'a Pod,
    container: &str,
) -> Option<&'a k8s_openapi::api::core::v1::ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.iter().find(|status| status.name == container)
}

fn restarts(pod: &Pod, container: &str) -> i32 {
    status(pod, container).map_or(0, |status| status.restart_count)
}

fn is_running(pod: &Pod, container: &str) -> bool {
    status(pod, container)
        .and_then(|status| status.state.as_ref())
        .is_some_and(|state| state.running.is_some())
}

fn last_exit_code(pod: &Pod, container: &str) -> Option<i32> {
    Some(status(pod, container)?.last_state.as_ref()?.terminated.as_ref()?.exit_code)
}

fn names(containers: &[Container]) -> Vec<&str> {
    let mut names: Vec<_> = containers.iter().map(|container| container.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// For whoever reads of the failure; here nobody does.
fn only_logs_are_left(name: &str) {
    let folder = testbed::places::state().join(name);
    let left: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["logs"]);
    std::fs::remove_dir_all(folder).unwrap();
}

fn options(name: &str) -> Options {
    Options { progress: Progress::quiet(), ..Options::full(name) }
}
