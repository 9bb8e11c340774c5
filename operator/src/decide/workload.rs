//! The StatefulSet: the user's template unchanged, and the sidecar.

use api::DuckGooseClusterSpec;
use api::names::{CLUSTER_LABEL, DUCK, ROLE_LABEL, members_service};
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use super::access;
use super::hooks;
use super::owner::Owner;
use super::sharing;
use super::sidecar::{self, SidecarImage};

/// The members of the cluster.
pub fn stateful_set(
    owner: &Owner,
    replicas: i32,
    cluster: &DuckGooseClusterSpec,
    image: &SidecarImage,
) -> StatefulSet {
    let spec = StatefulSetSpec {
        replicas: Some(replicas),
        service_name: Some(members_service(&owner.name)),
        // All at once: members wait for the Lease, not for each other.
        pod_management_policy: Some("Parallel".to_owned()),
        selector: LabelSelector { match_labels: Some(owner.selector()), match_expressions: None },
        template: with_sidecar(owner, cluster, image),
        update_strategy: Some(StatefulSetUpdateStrategy {
            type_: Some(ON_DELETE.to_owned()),
            rolling_update: None,
        }),
        ..StatefulSetSpec::default()
    };
    StatefulSet { metadata: owner.metadata(&owner.name), spec, ..StatefulSet::default() }
}

/// A merge patch for a StatefulSet that still updates its pods by itself: one of an earlier version
/// of this operator, or edited by hand. Applying cannot take away what the API server has filled
/// in, and refuses the rest as long as it is there.
pub fn without_own_updates(set: &StatefulSet) -> Option<Value> {
    set.spec.update_strategy.as_ref()?.rolling_update.as_ref()?;
    Some(json!({
        "metadata": { "uid": set.metadata.uid, "resourceVersion": set.metadata.resource_version },
        "spec": { "updateStrategy": { "type": ON_DELETE, "rollingUpdate": null } },
    }))
}

fn with_sidecar(
    owner: &Owner,
    cluster: &DuckGooseClusterSpec,
    image: &SidecarImage,
) -> PodTemplateSpec {
    let mut template = cluster.template.clone();
    let brings_account = access::own_account(&template).is_some();
    let account = access::account_name(owner, &template);

    let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
    labels.insert(CLUSTER_LABEL.to_owned(), owner.name.clone());
    // A pod is born a Duck, so that it costs no write to say so.
    labels.insert(ROLE_LABEL.to_owned(), DUCK.to_owned());

    let pod = template.spec.get_or_insert_default();
    pod.service_account_name = Some(account);
    if !brings_account && pod.automount_service_account_token.is_none() {
        // The account that the operator makes may write the Lease; only the sidecar has its token.
        pod.automount_service_account_token = Some(false);
    }
    pod.volumes.get_or_insert_default().push(sidecar::token_volume());
    // First, so that the user's own init containers can ask it already.
    let mut sidecar = sidecar::container(image, &owner.name);
    if let Some(told) = &cluster.hooks {
        hooks::tell_of_hooks(&mut sidecar, told);
    }
    if let Some(check) = &cluster.goose.health_check {
        hooks::tell_of_health_check(&mut sidecar, check);
    }
    pod.init_containers.get_or_insert_default().insert(0, sidecar);
    if let Some(shared) = &cluster.shared_volume {
        sharing::share(pod, shared);
    }
    template
}

/// The operator decides which pod goes when (see `rollout`).
const ON_DELETE: &str = "OnDelete";

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::PodSpec;

    use super::*;

    fn made_from(template: Value) -> PodTemplateSpec {
        let owner = Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() };
        let image = SidecarImage { reference: "sidecar:1".into(), pull_policy: None };
        let cluster = serde_json::from_value(json!({ "template": template })).unwrap();
        stateful_set(&owner, 3, &cluster, &image).spec.template
    }

    fn pod_of(template: Value) -> PodSpec {
        made_from(template).spec.unwrap()
    }

    #[test]
    fn the_sidecar_is_the_first_init_container_and_goes_on_running() {
        let pod = pod_of(json!({ "spec": {
            "initContainers": [{ "name": "migrate" }],
            "containers": [{ "name": "app" }],
        }}));
        let init = pod.init_containers.unwrap();
        assert_eq!([&init[0].name, &init[1].name], ["duckgoose", "migrate"]);
        assert_eq!(init[0].restart_policy.as_deref(), Some("Always"));
        assert_eq!(init[0].image.as_deref(), Some("sidecar:1"));
    }

    #[test]
    fn the_users_template_passes_through() {
        let template = json!({
            "metadata": { "labels": { "app": "pond" }, "annotations": { "a": "b" } },
            "spec": {
                "containers": [{ "name": "app", "resources": { "limits": { "cpu": "0.50" } } }],
                "volumes": [{ "name": "data", "emptyDir": {} }],
                "hostNetwork": true,
                "nodeSelector": { "disk": "ssd" },
                "serviceAccountName": "mine",
            },
        });
        let made = serde_json::to_value(made_from(template.clone())).unwrap();
        for path in [
            "/metadata/labels/app",
            "/metadata/annotations",
            "/spec/containers",
            "/spec/volumes/0",
            "/spec/hostNetwork",
            "/spec/nodeSelector",
            "/spec/serviceAccountName",
        ] {
            assert_eq!(made.pointer(path), template.pointer(path), "{path}");
        }
        assert_eq!(made.pointer("/spec/automountServiceAccountToken"), None);
    }

    #[test]
    fn pods_are_born_as_ducks_of_the_cluster() {
        let labels = made_from(json!({})).metadata.unwrap().labels.unwrap();
        assert_eq!(labels[CLUSTER_LABEL], "pond");
        assert_eq!(labels[ROLE_LABEL], DUCK);
    }

    #[test]
    fn the_workload_gets_the_operators_token_only_where_it_asks_for_it() {
        for (asked, wanted) in [(None, Some(false)), (Some(true), Some(true))] {
            let pod = pod_of(json!({ "spec": { "automountServiceAccountToken": asked } }));
            assert_eq!(pod.automount_service_account_token, wanted);
        }
        let mounts = pod_of(json!({})).init_containers.unwrap()[0].volume_mounts.clone().unwrap();
        assert_eq!(mounts[0].name, pod_of(json!({})).volumes.unwrap()[0].name);
    }

    #[test]
    fn updates_of_its_own_are_taken_from_a_set_before_anything_is_applied() {
        let set = |strategy: Value| {
            let set = json!({ "metadata": { "uid": "s" }, "spec": {
                "selector": {}, "serviceName": "s", "template": {}, "updateStrategy": strategy,
            } });
            serde_json::from_value::<StatefulSet>(set).unwrap()
        };
        let by_itself =
            set(json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } }));
        let patch = without_own_updates(&by_itself).unwrap();
        let wanted = json!({ "updateStrategy": { "type": "OnDelete", "rollingUpdate": null } });
        assert_eq!((&patch["metadata"]["uid"], &patch["spec"]), (&json!("s"), &wanted));
        assert_eq!(without_own_updates(&set(json!({ "type": "OnDelete" }))), None);
    }
}
