//! The schema of `spec.template`: a pod template as Kubernetes has it, cut to fit a custom resource.
//!
//! `k8s-openapi` knows every field. What it does not know is what a CustomResourceDefinition needs
//! beside: a size that `kubectl apply` accepts, lists that merge by key, and our own refusals.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::core::Rule;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::names::{GROUP, SIDECAR_CONTAINER, SIDECAR_PORT};

/// The schema of a pod template.
///
/// # Panics
///
/// If a field that is shaped here is no longer in the pod template of `k8s-openapi`.
pub fn schema(generator: &mut SchemaGenerator) -> Schema {
    let mut template = generator.subschema_for::<PodTemplateSpec>().to_value();
    leave_out_what_templates_cannot_have(&mut template);
    describe_only_the_upper_levels(&mut template);
    merge_lists_by_key(&mut template);
    bound_what_rules_walk(&mut template);
    refuse_what_cannot_run(&mut template);
    Schema::try_from(template).expect("a JSON object is a schema")
}

/// Ephemeral containers are added to running pods only, and of a template's metadata Kubernetes
/// uses labels and annotations.
fn leave_out_what_templates_cannot_have(template: &mut Value) {
    at(template, "spec")["properties"]
        .as_object_mut()
        .expect("properties are an object")
        .remove("ephemeralContainers");

    // Spelled out, because a bare `type: object` would have every label pruned.
    for path in ["metadata", "spec.volumes[].ephemeral.volumeClaimTemplate.metadata"] {
        let strings = json!({ "type": "object", "additionalProperties": { "type": "string" } });
        *at(template, path) = object(json!({
            "description": "Labels and annotations of each pod.",
            "type": "object",
            "properties": { "labels": strings, "annotations": strings },
        }));
    }
}

/// Descriptions are three quarters of the whole. Those of the pod and of its containers are worth
/// their bytes; deeper ones are a `kubectl explain pod.spec` away.
fn describe_only_the_upper_levels(template: &mut Value) {
    let container = at(template, "spec.containers[]").clone();
    describe_levels(template, 2);

    let mut container = Value::Object(container);
    drop_description(&mut container);
    describe_levels(&mut container, 1);
    *at(template, "spec.containers[]") = object(container);
}

/// Drops the descriptions that are more than `levels` fields below the schema.
fn describe_levels(schema: &mut Value, levels: usize) {
    let Some(schema) = schema.as_object_mut() else { return };
    for element in ["items", "additionalProperties"] {
        if let Some(element) = schema.get_mut(element) {
            // The list or map that it is an element of says what it is.
            drop_description(element);
            describe_levels(element, levels);
        }
    }
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    for field in fields.into_iter().flat_map(Map::values_mut) {
        match levels.checked_sub(1) {
            Some(below) => describe_levels(field, below),
            None => {
                drop_description(field);
                describe_levels(field, 0);
            }
        }
    }
}

fn drop_description(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("description");
    }
}

/// Server-side apply and strategic merges treat these lists as the maps that they are, as in pods.
fn merge_lists_by_key(template: &mut Value) {
    for (list, keys) in LISTS_OF_A_POD {
        merge_by(template, list, keys);
    }
    for containers in CONTAINERS {
        // A key must be there: pods default it, so does this schema.
        at(template, &format!("{containers}[].ports[].protocol"))
            .insert("default".into(), "TCP".into());
        for (list, keys) in LISTS_OF_A_CONTAINER {
            merge_by(template, &format!("{containers}[].{list}"), keys);
        }
    }
}

fn merge_by(template: &mut Value, list: &str, keys: &[&str]) {
    let list = at(template, list);
    list.insert("x-kubernetes-list-type".into(), "map".into());
    list.insert("x-kubernetes-list-map-keys".into(), keys.into());
}

/// The API server refuses a rule whose worst case costs too much, and without a bound the worst
/// case is a request of 3 MB. These bounds are far above what pods have.
fn bound_what_rules_walk(template: &mut Value) {
    for containers in CONTAINERS {
        at(template, containers).insert("maxItems".into(), 64.into());
        at(template, &format!("{containers}[].name")).insert("maxLength".into(), 63.into());
        at(template, &format!("{containers}[].ports")).insert("maxItems".into(), 256.into());
    }
    at(template, "metadata.labels").insert("maxProperties".into(), 256.into());
}

/// Refuses what could never run beside the sidecar, in words that say what to write instead.
fn refuse_what_cannot_run(template: &mut Value) {
    // Not `required`: its message would be two words long.
    at(template, "spec").remove("required");
    template["x-kubernetes-validations"] = rules(
        "has(self.spec) && has(self.spec.containers) && size(self.spec.containers) > 0",
        "spec.template.spec.containers must list at least one container, the workload of which one pod is to be the Goose: write for example \
         containers: [{name: app, image: busybox:stable}]",
    );

    for containers in CONTAINERS {
        refuse(
            template,
            &format!("{containers}[].name"),
            &format!("self != '{SIDECAR_CONTAINER}'"),
            &format!(
                "the name {SIDECAR_CONTAINER} belongs to the sidecar that the operator adds to each pod: write another name, for example app"
            ),
        );
        refuse(
            template,
            &format!("{containers}[].ports[].containerPort"),
            &format!("self != {SIDECAR_PORT}"),
            &format!(
                "port {SIDECAR_PORT} belongs to the sidecar that the operator adds to each pod: let the container listen on another port, for example 8080"
            ),
        );
    }

    refuse(
        template,
        "spec.restartPolicy",
        "self == 'Always'",
        "restartPolicy must be Always, because a member that ended would never come back as a Duck: write Always or leave it out",
    );
    refuse(
        template,
        "metadata.labels",
        &format!("self.all(key, !key.startsWith('{GROUP}/'))"),
        &format!(
            "labels that begin with {GROUP}/ belong to the operator, which tells with them who is Goose: leave them out or write another prefix"
        ),
    );
}

fn refuse(template: &mut Value, path: &str, unless: &str, message: &str) {
    at(template, path).insert("x-kubernetes-validations".into(), rules(unless, message));
}

fn rules(rule: &str, message: &str) -> Value {
    json!([Rule::new(rule).message(message)])
}

/// The schema of a field of the template, its path as in the API server's messages: `spec.containers[].name`.
fn at<'a>(template: &'a mut Value, path: &str) -> &'a mut Map<String, Value> {
    let pointer: String = path
        .split('.')
        .map(|field| match field.strip_suffix("[]") {
            Some(list) => format!("/properties/{list}/items"),
            None => format!("/properties/{field}"),
        })
        .collect();
    template.pointer_mut(&pointer).and_then(Value::as_object_mut).unwrap_or_else(|| {
        panic!(
            "the pod template of k8s-openapi has no field {path}: shape the one that took its place"
        )
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("wanted a JSON object, found {other}"),
    }
}

const CONTAINERS: [&str; 2] = ["spec.containers", "spec.initContainers"];

/// `listType=map` and `listMapKey` of `k8s.io/api/core/v1` where the keys are required.
const LISTS_OF_A_POD: [(&str, &[&str]); 7] = [
    ("spec.containers", &["name"]),
    ("spec.initContainers", &["name"]),
    ("spec.volumes", &["name"]),
    ("spec.hostAliases", &["ip"]),
    ("spec.resourceClaims", &["name"]),
    ("spec.schedulingGates", &["name"]),
    ("spec.topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
];

/// The same of a container.
const LISTS_OF_A_CONTAINER: [(&str, &[&str]); 5] = [
    ("env", &["name"]),
    ("ports", &["containerPort", "protocol"]),
    ("resources.claims", &["name"]),
    ("volumeDevices", &["devicePath"]),
    ("volumeMounts", &["mountPath"]),
];
