//! The light tier: `cargo test -p duckduckgoose-testbed --test light`. Needs no root.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use kube::api::{DeleteParams, PostParams};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use testbed::{Cluster, Options, Progress, Tier};

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_at_a_time_and_their_faults() {
    let (one, two) = tokio::try_join!(
        Cluster::start(options("light-one")),
        Cluster::start(options("light-two"))
    )
    .unwrap();
    assert_eq!(one.tier(), Tier::Light);
    they_are_not_the_same(&one, &two).await;
    a_second_one_of_that_name_is_refused().await;
    another_process_may_attach(&one).await;
    a_pod_in_a_restricted_namespace_is_refused(&one).await;
    the_api_server_stops_and_starts(&one).await;
    the_api_server_freezes_and_thaws(&one).await;
    who_has_old_credentials_is_refused_after_a_rotation(&one).await;
    one.down().await.unwrap();
    assert!(!Cluster::exists("light-one").unwrap());
    assert!(
        two.client().await.unwrap().apiserver_version().await.is_ok(),
        "the other one is still there"
    );
    drop(two);
    assert!(!Cluster::exists("light-two").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_takes_the_cluster_down() {
    let test = tokio::spawn(async {
        let cluster = Cluster::start(options("light-panic")).await.unwrap();
        assert!(Cluster::exists("light-panic").unwrap());
        panic!("a test that fails has {}", cluster.name());
    });
    let panic = test.await.unwrap_err();
    assert!(panic.is_panic());
    assert!(!Cluster::exists("light-panic").unwrap());
    only_logs_are_left("light-panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_shows_the_log_and_leaves_nothing() {
    let options =
        Options { apiserver_flags: vec!["--no-such-flag".to_owned()], ..options("light-failing") };
    let error = Cluster::start(options).await.unwrap_err().to_string();
    assert!(error.contains("step \"start the API server\" failed"), "{error}");
    assert!(error.contains("kube-apiserver has ended"), "{error}");
    assert!(error.contains("unknown flag: --no-such-flag"), "{error}");
    assert!(!Cluster::exists("light-failing").unwrap());
    only_logs_are_left("light-failing");
}

#[tokio::test]
async fn a_cluster_that_is_not_there_says_how_to_start_it() {
    let error = Cluster::attach("light-nowhere").unwrap_err();
    assert_eq!(
        error.to_string(),
        "wanted the cluster light-nowhere, found none; `cargo xtask up` starts it"
    );
    assert!(testbed::down("light-nowhere").await.is_err());
}

async fn they_are_not_the_same(one: &Cluster, two: &Cluster) {
    let mut object = ConfigMap::default();
    object.metadata.name = Some("only-in-one".to_owned());
    maps(one).await.create(&PostParams::default(), &object).await.unwrap();
    assert!(maps(two).await.get_opt("only-in-one").await.unwrap().is_none());
}

async fn maps(cluster: &Cluster) -> Api<ConfigMap> {
    Api::default_namespaced(cluster.client().await.unwrap())
}

async fn a_second_one_of_that_name_is_refused() {
    let error = Cluster::start(options("light-one")).await.unwrap_err();
    assert!(error.to_string().contains("found it running"), "{error}");
}

async fn another_process_may_attach(cluster: &Cluster) {
    let attached = Cluster::attach(cluster.name()).unwrap();
    assert_eq!(attached.kubeconfig(), cluster.kubeconfig());
    drop(attached);
    assert!(
        cluster.client().await.unwrap().apiserver_version().await.is_ok(),
        "it stays when that one goes"
    );
}

/// The API server has its usual admission plugins.
async fn a_pod_in_a_restricted_namespace_is_refused(cluster: &Cluster) {
    let client = cluster.client().await.unwrap();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = serde_json::from_value(serde_json::json!({
        "metadata": { "name": "strict", "labels": { "pod-security.kubernetes.io/enforce": "restricted" } },
    }));
    namespaces.create(&PostParams::default(), &namespace.unwrap()).await.unwrap();
    let pod = serde_json::from_value(serde_json::json!({
        "metadata": { "name": "root" },
        "spec": { "serviceAccountName": "default", "automountServiceAccountToken": false,
            "containers": [{ "name": "main", "image": "busybox", "securityContext": { "privileged": true } }] },
    }));
    let pods: Api<Pod> = Api::namespaced(client, "strict");
    let refused = pods.create(&PostParams::default(), &pod.unwrap()).await.unwrap_err().to_string();
    assert!(
        refused.contains("violates PodSecurity") || refused.contains("service account"),
        "{refused}"
    );
    namespaces.delete("strict", &DeleteParams::default()).await.unwrap();
}

async fn the_api_server_stops_and_starts(cluster: &Cluster) {
    let client = cluster.client().await.unwrap();
    cluster.apiserver().stop().await.unwrap();
    assert!(!cluster.apiserver().runs());
    assert!(client.apiserver_version().await.is_err());
    cluster.apiserver().start().await.unwrap();
    assert!(client.apiserver_version().await.is_ok());
}

async fn the_api_server_freezes_and_thaws(cluster: &Cluster) {
    let client = cluster.client().await.unwrap();
    cluster.apiserver().freeze().unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(1), client.apiserver_version()).await;
    cluster.apiserver().thaw().unwrap();
    assert!(answer.is_err(), "a frozen API server answered");
    assert!(client.apiserver_version().await.is_ok());
}

async fn who_has_old_credentials_is_refused_after_a_rotation(cluster: &Cluster) {
    let before = Credentials::given_to_pods(cluster).await;
    cluster.announce_token_key().await.unwrap();
    cluster.announce_authority().await.unwrap();
    let mut after = Credentials::given_to_pods(cluster).await;
    while after.authorities == before.authorities {
        tokio::time::sleep(Duration::from_millis(100)).await;
        after = Credentials::given_to_pods(cluster).await;
    }
    assert!(before.are_good(cluster).await && after.are_good(cluster).await, "both are good");

    cluster.change_token_key().await.unwrap();
    assert!(!before.are_good(cluster).await, "a token of the old key is believed");
    let untrusting = Credentials { authorities: before.authorities, ..after.clone() };
    assert!(after.are_good(cluster).await && untrusting.are_good(cluster).await);

    cluster.change_authority().await.unwrap();
    assert!(after.are_good(cluster).await, "the next authority is unknown");
    assert!(!untrusting.are_good(cluster).await, "the old authority is still in use");
    assert!(cluster.client().await.unwrap().apiserver_version().await.is_ok());
}

/// What a pod has to reach the API server with.
#[derive(Clone)]
struct Credentials {
    authorities: String,
    token: String,
}

impl Credentials {
    async fn given_to_pods(cluster: &Cluster) -> Self {
        let map = maps(cluster).await.get("kube-root-ca.crt").await.unwrap();
        let authorities = map.data.unwrap()["ca.crt"].clone();
        let accounts: Api<ServiceAccount> =
            Api::default_namespaced(cluster.client().await.unwrap());
        let (name, request) = ("default", TokenRequest::default());
        let request =
            accounts.create_token_request(name, &PostParams::default(), &request).await.unwrap();
        Self { authorities, token: request.status.unwrap().token.unwrap() }
    }

    /// On a new connection.
    async fn are_good(&self, cluster: &Cluster) -> bool {
        let mut kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).unwrap();
        let authorities = BASE64_STANDARD.encode(&self.authorities);
        let server = kubeconfig.clusters[0].cluster.as_mut().unwrap();
        server.certificate_authority_data = Some(authorities);
        let user = AuthInfo { token: Some(self.token.clone().into()), ..AuthInfo::default() };
        kubeconfig.auth_infos[0].auth_info = Some(user);
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        Client::try_from(config).unwrap().apiserver_version().await.is_ok()
    }
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
    Options { progress: Progress::quiet(), ..Options::light(name) }
}
