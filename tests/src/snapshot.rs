//! What stands in a namespace for its clusters, without what differs from one run to the next.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use api::DuckGooseCluster;
use api::names::{CLUSTER_LABEL, FIELD_MANAGER, TERM_ANNOTATION};
use election::lease::{HANDOVER, RECORD, SUCCESSORS};
use election::record::Record;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::ListParams;
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, ResourceExt};
use serde_json::{Map, Value};

/// The values of all fields, each by kind and name of its object and its path in it.
pub type Snapshot = BTreeMap<String, Value>;

/// Who leads, as the one cluster's status says it.
const GOOSE: &str = "DuckGooseCluster pond/status/goose";

/// What stands now. Names take the place of uids; versions, times and terms are left out, and so is
/// what Kubernetes draws by lot.
///
/// # Errors
/// Where it cannot be listed.
pub async fn snapshot(client: &Client, namespace: &str) -> Result<Snapshot> {
    let mut objects = Vec::new();
    for resource in kinds() {
        let found: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        let found = found.list(&ListParams::default()).await?;
        let ours = found.into_iter().filter(|object| is_ours(object, &resource));
        objects.extend(
            ours.map(|object| (format!("{} {}", resource.kind, object.name_any()), object)),
        );
    }
    let names = objects.iter().filter_map(|(name, object)| Some((object.uid()?, name.clone())));
    let names: Vec<_> = names.collect();
    let mut snapshot = Snapshot::new();
    for (name, mut object) in objects {
        if name.starts_with("PodDisruptionBudget") {
            // The disruption controller does not count anew at every change of a label.
            object.data["status"].take();
        }
        flatten(name, plain(&object, &names)?, &mut snapshot);
    }
    Ok(snapshot)
}

/// How one differs from another, a line for each field; empty where they are the same.
pub fn difference(wanted: &Snapshot, found: &Snapshot) -> String {
    let missing = wanted.iter().filter(|(field, value)| found.get(*field) != Some(value));
    let other = found.iter().filter(|(field, value)| wanted.get(*field) != Some(value));
    let missing = missing.map(|(field, value)| format!("- {field}: {value}"));
    let other = other.map(|(field, value)| format!("+ {field}: {value}"));
    missing.chain(other).collect::<Vec<_>>().join("\n")
}

/// The same with the Goose that `other` has in place of its own, all else being equal.
pub fn led_as(snapshot: &Snapshot, other: &Snapshot) -> Snapshot {
    let goose = |of: &Snapshot| of.get(GOOSE)?.as_str().map(str::to_owned);
    let (Some(own), Some(others)) = (goose(snapshot), goose(other)) else {
        return snapshot.clone();
    };
    let exchanged = |text: &str| {
        let parts = text.split(&own).map(|part| part.replace(&others, &own));
        parts.collect::<Vec<_>>().join(&others)
    };
    let fields = snapshot.iter().map(|(field, value)| {
        let value = value.as_str().map_or_else(|| value.clone(), |text| exchanged(text).into());
        let is_line = field.ends_with(SUCCESSORS);
        (exchanged(field), if is_line { in_order(&value) } else { value })
    });
    fields.collect()
}

/// The line by its pods' names, which is their order where nothing else tells them apart.
fn in_order(line: &Value) -> Value {
    let mut pods: Vec<_> = line.as_str().unwrap_or_default().split(',').collect();
    pods.sort_unstable();
    pods.join(",").into()
}

/// The kind and name of each object that is in it.
pub fn objects(snapshot: &Snapshot) -> BTreeSet<&str> {
    snapshot.keys().filter_map(|field| field.split('/').next()).collect()
}

/// All kinds that clusters are made of.
pub fn kinds() -> Vec<ApiResource> {
    vec![
        ApiResource::erase::<DuckGooseCluster>(&()),
        ApiResource::erase::<Pod>(&()),
        ApiResource::erase::<Lease>(&()),
        ApiResource::erase::<StatefulSet>(&()),
        ApiResource::erase::<Service>(&()),
        ApiResource::erase::<EndpointSlice>(&()),
        ApiResource::erase::<ServiceAccount>(&()),
        ApiResource::erase::<Role>(&()),
        ApiResource::erase::<RoleBinding>(&()),
        ApiResource::erase::<PodDisruptionBudget>(&()),
    ]
}

/// Whether it is a cluster, or made for one. Kubernetes' own EndpointSlices come and go as it likes.
pub fn is_ours(object: &DynamicObject, resource: &ApiResource) -> bool {
    let labels = object.labels();
    let managed_by = labels.get("endpointslice.kubernetes.io/managed-by");
    resource.kind == "DuckGooseCluster"
        || labels.contains_key(CLUSTER_LABEL) && managed_by.is_none_or(|by| by == FIELD_MANAGER)
}

fn plain(object: &DynamicObject, names: &[(String, String)]) -> Result<Value> {
    let mut object = serde_json::to_value(object)?;
    if let Some(annotations) = object.pointer_mut("/metadata/annotations") {
        plain_annotations(annotations.as_object_mut().expect("annotations are an object"));
    }
    forget_the_changing(&mut object);
    let mut text = object.to_string();
    for (uid, name) in names {
        text = text.replace(uid, name);
    }
    Ok(serde_json::from_str(&text)?)
}

/// Leaves out what is empty.
fn flatten(path: String, value: Value, into: &mut Snapshot) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                flatten(format!("{path}/{field}"), value, into);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.into_iter().enumerate() {
                flatten(format!("{path}/{number}"), item, into);
            }
        }
        Value::Null => {}
        leaf => drop(into.insert(path, leaf)),
    }
}

fn plain_annotations(annotations: &mut Map<String, Value>) {
    annotations.remove(TERM_ANNOTATION);
    // The mark of one run of the operator.
    annotations.remove("duckduckgoose.dev/operator");
    if let Some(order) = annotations.get_mut(HANDOVER) {
        let (to, _term) =
            order.as_str().and_then(|order| order.split_once('/')).unwrap_or_default();
        *order = to.into();
    }
    if let Some(record) = annotations.get_mut(RECORD)
        && let Ok(Record { holder, .. }) = Record::parse(record.as_str())
    {
        *record = holder.map(|holder| holder.to_string()).into();
    }
}

fn forget_the_changing(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forget_the_changing),
        Value::Object(fields) => {
            fields.retain(|field, _| !CHANGING.contains(&field.as_str()));
            fields.values_mut().for_each(forget_the_changing);
        }
        _ => {}
    }
}

/// Fields of all kinds of objects.
const CHANGING: [&str; 14] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "managedFields",
    "generation",
    "observedGeneration",
    "namespace",
    "clusterIP",
    "clusterIPs",
    "lastTransitionTime",
    "startTime",
    "term",
    // What each operator has seen itself.
    "history",
    "renewTime",
];
