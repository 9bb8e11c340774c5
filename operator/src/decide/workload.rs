//! The StatefulSet: the user's template unchanged, and the sidecar.

use api::DuckGooseClusterSpec;
use api::names::{CLUSTER_LABEL, DUCK, ROLE_LABEL, members_service};
use api::sidecar::Listen;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy};
use k8s_openapi::api::core::v1::{PodTemplateSpec, TopologySpreadConstraint};
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
        volume_claim_templates: Some(cluster.volume_claim_templates.clone())
            .filter(|claims| !claims.is_empty()),
        persistent_volume_claim_retention_policy: cluster
            .persistent_volume_claim_retention_policy
            .clone(),
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
    if pod.topology_spread_constraints.is_none() {
        pod.topology_spread_constraints = Some(spread(owner));
    }
    pod.volumes.get_or_insert_default().push(sidecar::token_volume());
    // First, so that the user's own init containers can ask it already.
    let mut sidecar = sidecar::container(image, &owner.name);
    if cluster.sidecar.listen == Listen::Loopback {
        sidecar::listen_on_loopback(&mut sidecar);
    }
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

/// Where the user says nothing: as evenly over nodes and zones as there is room for.
fn spread(owner: &Owner) -> Vec<TopologySpreadConstraint> {
    let evenly = |topology: &str| TopologySpreadConstraint {
        topology_key: topology.to_owned(),
        max_skew: 1,
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(LabelSelector {
            match_labels: Some(owner.selector()),
            match_expressions: None,
        }),
        ..TopologySpreadConstraint::default()
    };
    ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(evenly).to_vec()
}

/// The operator decides which pod goes when (see `rollout`).
const ON_DELETE: &str = "OnDelete";

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::PodSpec;

    use super::*;

    fn set_of(cluster: Value) -> StatefulSet {
        let owner = Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() };
        let image = SidecarImage { reference: "sidecar:1".into(), pull_policy: None };
        stateful_set(&owner, 3, &serde_json::from_value(cluster).unwrap(), &image)
    }

    fn made_from(template: Value) -> PodTemplateSpec {
        set_of(json!({ "template": template })).spec.template
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
    fn the_users_template_passes_through_unchanged() {
        let text = include_str!("../../testdata/template-of-every-field.json");
        let template: Value = serde_json::from_str(text).unwrap();
        let mut made = made_from(template.clone());
        let labels = made.metadata.as_mut().unwrap().labels.as_mut().unwrap();
        labels.retain(|key, _| key != CLUSTER_LABEL && key != ROLE_LABEL);
        let pod = made.spec.as_mut().unwrap();
        assert_eq!(pod.init_containers.as_mut().unwrap().remove(0).name, "duckgoose");
        assert_eq!(pod.volumes.as_mut().unwrap().pop(), Some(sidecar::token_volume()));
        assert_eq!(serde_json::to_value(made).unwrap(), template);
    }

    #[test]
    fn pods_are_spread_where_the_user_says_nothing() {
        let over = |constraints: Value| {
            let pod = pod_of(json!({ "spec": { "topologySpreadConstraints": constraints } }));
            let spread = pod.topology_spread_constraints.unwrap();
            spread.into_iter().map(|constraint| constraint.topology_key).collect::<Vec<_>>()
        };
        let nothing: [&str; 0] = [];
        let both = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"];
        assert_eq!(over(Value::Null), both);
        assert_eq!(over(json!([])), nothing);
    }

    #[test]
    fn where_the_sidecar_listens_is_up_to_the_user() {
        let pod_of = |sidecar: Value| {
            let set = set_of(json!({ "template": {}, "sidecar": sidecar }));
            serde_json::to_string(&set.spec.template).unwrap()
        };
        let silent = serde_json::to_string(&made_from(json!({}))).unwrap();
        assert_eq!(pod_of(json!({})), silent);
        assert_eq!(pod_of(json!({ "listen": "Pod" })), silent);
        assert!(pod_of(json!({ "listen": "Loopback" })).contains("localhost:4040"));
    }

    #[test]
    fn claims_are_those_of_the_spec() {
        let claims =
            json!([{ "metadata": { "name": "data" }, "spec": { "accessModes": ["RWO"] } }]);
        let retention = json!({ "whenScaled": "Delete" });
        let set = set_of(json!({
            "template": {},
            "volumeClaimTemplates": claims,
            "persistentVolumeClaimRetentionPolicy": retention,
        }));
        let spec = serde_json::to_value(set.spec).unwrap();
        assert_eq!(spec["volumeClaimTemplates"][0]["metadata"]["name"], "data");
        assert_eq!(spec["persistentVolumeClaimRetentionPolicy"], retention);
        assert_eq!(set_of(json!({ "template": {} })).spec.volume_claim_templates, None);
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
