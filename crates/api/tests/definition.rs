//! What makes the CustomResourceDefinition acceptable to an API server and useful to `kubectl`.

use std::time::Duration;

use duckduckgoose_api::crd::{crd, crd_yaml};
use duckduckgoose_api::{DuckGooseCluster, names};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Resource;
use serde_json::{Value, json};

#[test]
fn it_is_small_enough_for_client_side_apply() {
    // kubectl keeps the JSON in an annotation, and all annotations may have 262,144 bytes together.
    let bytes = serde_json::to_string(&crd()).expect("plain data").len();
    assert!(
        bytes < 128 * 1024,
        "wanted less than half of what an annotation holds, found {bytes} bytes"
    );
}

#[test]
fn the_yaml_says_the_same_as_the_type() {
    let read: CustomResourceDefinition = serde_saphyr::from_str(&crd_yaml()).expect("it is YAML");
    assert_eq!(read, crd());
}

#[test]
fn the_group_is_that_of_the_labels() {
    assert_eq!(DuckGooseCluster::group(&()), names::GROUP);
}

#[test]
fn columns_are_in_the_promised_order() {
    let columns = crd().spec.versions.remove(0).additional_printer_columns;
    let names: Vec<_> =
        columns.expect("has columns").into_iter().map(|column| column.name).collect();
    assert_eq!(names, ["Goose", "Term", "Ready", "Desired", "Age", "Reason", "Changed"]);
}

#[test]
fn every_field_of_ours_is_described() {
    for part in [
        "/properties/spec",
        "/properties/spec/properties/lease",
        "/properties/spec/properties/goose",
        "/properties/spec/properties/update",
        "/properties/spec/properties/sharedVolume",
        "/properties/spec/properties/hooks",
        "/properties/spec/properties/hooks/properties/becomeGoose",
        "/properties/spec/properties/hooks/properties/ceaseGoose",
        "/properties/spec/properties/goose/properties/healthCheck",
        "/properties/spec/properties/goose/properties/healthCheck/properties/file",
        "/properties/spec/properties/goose/properties/healthCheck/properties/httpGet",
        "/properties/status",
    ] {
        let schema = schema();
        let fields = schema.pointer(part).expect("the part exists")["properties"].clone();
        for (name, field) in fields.as_object().expect("the part has fields") {
            let description = field["description"].as_str().unwrap_or_default();
            assert!(
                description.ends_with(['.', '`']),
                "{part}/{name} wants a sentence, found {description:?}"
            );
        }
    }
}

#[test]
fn explain_answers_down_to_the_container_and_knows_all_below() {
    let schema = schema();
    let pod =
        &schema["properties"]["spec"]["properties"]["template"]["properties"]["spec"]["properties"];
    let container = &pod["containers"]["items"]["properties"];
    assert!(container["image"]["description"].is_string());
    assert!(pod["volumes"]["description"].is_string());
    assert_eq!(
        container["livenessProbe"]["properties"]["httpGet"]["properties"]["path"]["type"],
        "string"
    );
}

#[test]
fn the_template_keeps_labels_and_annotations() {
    let schema = schema();
    let metadata =
        &schema["properties"]["spec"]["properties"]["template"]["properties"]["metadata"];
    for field in ["labels", "annotations"] {
        assert_eq!(
            metadata["properties"][field]["additionalProperties"],
            json!({ "type": "string" })
        );
    }
}

#[test]
fn replicas_are_bounded_and_three_by_default() {
    let replicas = &schema()["properties"]["spec"]["properties"]["replicas"];
    assert_eq!(replicas["default"], 3);
    assert_eq!((&replicas["minimum"], &replicas["maximum"]), (&json!(0.0), &json!(1000.0)));
}

#[test]
fn the_schema_is_structural() {
    fn walk(schema: &Value, path: &str) {
        let typed = schema["type"].is_string() || schema["x-kubernetes-int-or-string"] == true;
        assert!(typed, "{path} has no type: the API server would refuse it or prune what is in it");
        for forbidden in ["$ref", "definitions", "x-kubernetes-preserve-unknown-fields"] {
            assert!(schema.get(forbidden).is_none(), "{path} has {forbidden}");
        }
        for element in ["items", "additionalProperties"] {
            if let Some(element) = schema.get(element) {
                walk(element, &format!("{path}[]"));
            }
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            walk(field, &format!("{path}.{name}"));
        }
    }
    walk(&schema(), "");
}

#[test]
fn what_the_api_server_stores_reads_into_the_type() {
    let stored: DuckGooseCluster = serde_json::from_value(json!({
        "apiVersion": "duckduckgoose.dev/v1alpha1",
        "kind": "DuckGooseCluster",
        "metadata": { "name": "pond" },
        "spec": {
            "replicas": 3,
            "lease": { "duration": "1m", "renewal": "1500ms" },
            "template": { "spec": { "containers": [{
                "name": "app",
                "resources": { "limits": { "cpu": 1, "memory": "64Mi" } },
                "livenessProbe": { "httpGet": { "port": 8080 } },
            }] } },
        },
    }))
    .expect("it fits the type");
    assert_eq!(stored.spec.lease.duration, Duration::from_secs(60));
    assert_eq!(stored.spec.lease.renewal, Duration::from_millis(1500));

    let template = serde_json::to_value(&stored.spec.template).expect("plain data");
    let container = &template["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"]["cpu"], "1");
    assert_eq!(container["livenessProbe"]["httpGet"]["port"], 8080);
}

fn schema() -> Value {
    let schema = crd().spec.versions.remove(0).schema.and_then(|schema| schema.open_api_v3_schema);
    serde_json::to_value(schema.expect("the version has a schema")).expect("a schema is plain data")
}
