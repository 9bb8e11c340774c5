//! Calls to the API server: each with a bound in time, and none retried in hiding.

use std::future::Future;
use std::time::Duration;

use api::DuckGooseCluster;
use api::names::FIELD_MANAGER;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Status;
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};
use tracing::Instrument;

use crate::api_error::CallFailed;
use crate::decide::labels::{LabelWrite, PodVersion};
use crate::stores::Kind;

/// After how long an ordinary call is given up.
pub const BOUND: Duration = Duration::from_secs(5);

/// After how long the write of a label, or of where traffic goes, is given up. An operator that starts waits as long before
/// its first one (rule 12), so it is short.
pub const LABEL_BOUND: Duration = Duration::from_secs(2);

/// Why there is no API server to speak to.
#[derive(Debug, thiserror::Error)]
pub enum NotConfigured {
    /// There is no configuration.
    #[error(
        "wanted a ServiceAccount's configuration or a kubeconfig, but {0}: \
         run in a pod, or set KUBECONFIG"
    )]
    Absent(#[from] kube::config::InferConfigError),
    /// It makes no client.
    #[error("wanted a client from the configuration, but {0}")]
    Unusable(#[from] kube::Error),
}

/// A client of the API server of this pod's cluster, or of the kubeconfig.
///
/// # Errors
/// When there is no configuration, or an unusable one.
pub async fn connect() -> Result<Client, NotConfigured> {
    // The election's: without hidden retries, for what a failure means is decided in one place
    // (`api_error`), and quick on a fresh connection.
    Ok(election::driver::client(&Config::infer().await?)?)
}

/// Makes the call, or gives it up after [`BOUND`].
///
/// # Errors
/// When it fails, or is not answered in time.
pub async fn bounded<T>(
    doing: &str,
    call: impl Future<Output = kube::Result<T>>,
) -> Result<T, CallFailed> {
    within(BOUND, doing, call).await
}

/// Writes a pod's role label, and returns what became of the pod.
///
/// # Errors
/// As [`bounded`], after [`LABEL_BOUND`].
pub async fn label(
    client: &Client,
    ns: &str,
    write: &LabelWrite,
) -> Result<ObjectMeta, CallFailed> {
    let doing = format!("label pod {}", write.target.name);
    let pods = Api::<Pod>::namespaced(client.clone(), ns);
    let (params, patch) = (managed(), Patch::Merge(&write.patch));
    let call = pods.patch_metadata(&write.target.name, &params, &patch);
    within(LABEL_BOUND, &doing, call).await.map(|pod| pod.metadata)
}

/// Writes the cluster's status.
///
/// # Errors
/// As [`bounded`].
pub async fn patch_status(
    client: &Client,
    cluster: &DuckGooseCluster,
    patch: &Value,
) -> Result<DuckGooseCluster, CallFailed> {
    let clusters = namespaced::<DuckGooseCluster>(client, cluster);
    let name = cluster.name_any();
    let doing = format!("write the status of DuckGooseCluster {name}");
    bounded(&doing, clusters.patch_status(&name, &managed(), &Patch::Merge(patch))).await
}

/// Reads the cluster afresh.
///
/// # Errors
/// As [`bounded`].
pub async fn read(
    client: &Client,
    cluster: &DuckGooseCluster,
) -> Result<DuckGooseCluster, CallFailed> {
    let clusters = namespaced::<DuckGooseCluster>(client, cluster);
    let name = cluster.name_any();
    bounded(&format!("read DuckGooseCluster {name}"), clusters.get(&name)).await
}

/// Patches the cluster itself.
///
/// # Errors
/// As [`bounded`].
pub async fn patch(
    client: &Client,
    cluster: &DuckGooseCluster,
    patch: &Value,
) -> Result<DuckGooseCluster, CallFailed> {
    let clusters = namespaced::<DuckGooseCluster>(client, cluster);
    let name = cluster.name_any();
    let doing = format!("change DuckGooseCluster {name}");
    bounded(&doing, clusters.patch(&name, &managed(), &Patch::Merge(patch))).await
}

/// Evicts the pod of exactly this uid, as far as disruption budgets allow. Whichever version of it:
/// an eviction that is granted, and then finds another version, blocks the budget for two minutes.
///
/// # Errors
/// As [`bounded`].
pub async fn evict(client: &Client, ns: &str, pod: &PodVersion) -> Result<(), CallFailed> {
    let name = &pod.name;
    // Not kube's own call: it writes the preconditions where the API server does not read them.
    let eviction = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": { "name": name },
        "deleteOptions": { "preconditions": { "uid": pod.uid } },
    });
    let pods = Api::<Pod>::namespaced(client.clone(), ns);
    let params = posted();
    let call = pods.create_subresource::<_, Status>("eviction", name, &params, &eviction);
    bounded(&format!("evict pod {name}"), call).await.map(drop)
}

/// Deletes exactly this version of the pod.
///
/// # Errors
/// As [`bounded`].
pub async fn delete_pod(client: &Client, ns: &str, pod: &PodVersion) -> Result<(), CallFailed> {
    let (uid, resource_version) = (Some(pod.uid.clone()), Some(pod.version.clone()));
    let exactly = Preconditions { uid, resource_version };
    let params = DeleteParams { preconditions: Some(exactly), ..DeleteParams::default() };
    let pods = Api::<Pod>::namespaced(client.clone(), ns);
    let call = pods.delete(&pod.name, &params);
    bounded(&format!("delete pod {}", pod.name), call).await.map(drop)
}

/// Patches the StatefulSet.
///
/// # Errors
/// As [`bounded`].
pub async fn patch_set(
    client: &Client,
    set: &StatefulSet,
    patch: &Value,
) -> Result<StatefulSet, CallFailed> {
    let name = set.name_any();
    let sets = namespaced::<StatefulSet>(client, set);
    let doing = format!("change StatefulSet {name}");
    bounded(&doing, sets.patch(&name, &managed(), &Patch::Merge(patch))).await
}

/// Creates the Lease, which must not be there.
///
/// # Errors
/// As [`bounded`].
pub async fn create_lease(client: &Client, lease: &Lease) -> Result<Lease, CallFailed> {
    let doing = format!("create Lease {}", lease.name_any());
    bounded(&doing, namespaced(client, lease).create(&posted(), lease)).await
}

/// Deletes the Lease of exactly this uid and resourceVersion.
///
/// # Errors
/// As [`bounded`].
pub async fn delete_lease(client: &Client, lease: &Lease) -> Result<(), CallFailed> {
    let name = lease.name_any();
    let exactly = Preconditions { uid: lease.uid(), resource_version: lease.resource_version() };
    let params = DeleteParams { preconditions: Some(exactly), ..DeleteParams::default() };
    let leases = namespaced::<Lease>(client, lease);
    bounded(&format!("delete Lease {name}"), leases.delete(&name, &params)).await.map(drop)
}

/// Replaces the Lease of exactly this uid and resourceVersion.
///
/// # Errors
/// As [`bounded`].
pub async fn replace_lease(client: &Client, lease: &Lease) -> Result<Lease, CallFailed> {
    let name = lease.name_any();
    let leases = namespaced::<Lease>(client, lease);
    bounded(&format!("update Lease {name}"), leases.replace(&name, &posted(), lease)).await
}

/// Creates the EndpointSlice, which must not be there.
///
/// # Errors
/// As [`bounded`], after [`LABEL_BOUND`].
pub async fn create_slice(
    client: &Client,
    slice: &EndpointSlice,
) -> Result<EndpointSlice, CallFailed> {
    let doing = format!("create EndpointSlice {}", slice.name_any());
    within(LABEL_BOUND, &doing, namespaced(client, slice).create(&posted(), slice)).await
}

/// Replaces the EndpointSlice of exactly this uid and resourceVersion.
///
/// # Errors
/// As [`bounded`], after [`LABEL_BOUND`].
pub async fn replace_slice(
    client: &Client,
    slice: &EndpointSlice,
) -> Result<EndpointSlice, CallFailed> {
    let name = slice.name_any();
    let doing = format!("update EndpointSlice {name}");
    let slices = namespaced::<EndpointSlice>(client, slice);
    within(LABEL_BOUND, &doing, slices.replace(&name, &posted(), slice)).await
}

/// The object by the name of `like`, if there is one.
///
/// # Errors
/// As [`bounded`].
pub async fn find<K: Kind>(client: &Client, like: &K) -> Result<Option<K>, CallFailed> {
    let name = like.name_any();
    let doing = format!("get {} {name}", K::kind(&()));
    bounded(&doing, namespaced::<K>(client, like).get_opt(&name)).await
}

/// Applies the object: to the one with this uid, or where `uid` is `None`, as a new one.
///
/// # Errors
/// As [`bounded`].
pub async fn apply<K: Kind>(
    client: &Client,
    wanted: &K,
    uid: Option<&str>,
) -> Result<K, CallFailed> {
    let mut wanted = wanted.clone();
    wanted.meta_mut().uid = uid.map(str::to_owned);
    let name = wanted.name_any();
    let doing = format!("apply {} {name}", K::kind(&()));
    // A new one is not forced: where another appears under its name meanwhile, that is a conflict.
    let params = PatchParams { force: uid.is_some(), ..managed() };
    let objects = namespaced::<K>(client, &wanted);
    bounded(&doing, objects.patch(&name, &params, &Patch::Apply(&wanted))).await
}

async fn within<T>(
    bound: Duration,
    doing: &str,
    call: impl Future<Output = kube::Result<T>>,
) -> Result<T, CallFailed> {
    let call =
        call.instrument(tracing::info_span!("call", otel.name = doing, otel.kind = "client"));
    match tokio::time::timeout(bound, call).await {
        Ok(answer) => answer.map_err(|error| CallFailed::new(doing, &error)),
        Err(_) => Err(CallFailed::timed_out(doing, bound)),
    }
}

/// The objects of this kind in the namespace of `like`.
fn namespaced<K: Kind>(client: &Client, like: &K) -> Api<K> {
    Api::namespaced(client.clone(), &like.namespace().unwrap_or_default())
}

fn managed() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

fn posted() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}
