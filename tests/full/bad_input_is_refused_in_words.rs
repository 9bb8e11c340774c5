//! What cannot work is refused by the API server, with what to write instead.

use anyhow::{Result, bail, ensure};
use api::DuckGooseCluster;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use serde_json::{Value, json};
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let kind = ApiResource::erase::<DuckGooseCluster>(&());
    let clusters: Api<DynamicObject> =
        Api::namespaced_with(stage.client.clone(), &stage.namespace, &kind);
    for (pointer, value, says) in refused() {
        let mut cluster = Wanted::pods(3).object();
        set(&mut cluster, pointer, &value)?;
        let made = clusters.create(&PostParams::default(), &serde_json::from_value(cluster)?).await;
        match made {
            Err(kube::Error::Api(status)) => {
                ensure!(
                    status.message.contains(says),
                    "{pointer} = {value}: wanted {says:?}, found {:?}",
                    status.message
                );
            }
            other => bail!("{pointer} = {value}: wanted a refusal, found {other:?}"),
        }
    }
    Ok(())
}

/// Field, value, and what the refusal must say.
fn refused() -> Vec<(&'static str, Value, &'static str)> {
    let container = |more: Value| {
        let mut container = json!({ "name": "app", "image": "busybox:stable" });
        container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([container])
    };
    vec![
        ("/spec/replicas", json!(-1), "spec.replicas in body should be greater than or equal to 0"),
        (
            "/spec/replicas",
            json!(1001),
            "spec.replicas in body should be less than or equal to 1000",
        ),
        ("/spec/template/spec", json!({}), "must list at least one container"),
        ("/spec/template/spec/containers", json!([]), "must list at least one container"),
        (
            "/spec/template/spec/containers",
            container(json!({ "name": "duckgoose" })),
            "the name duckgoose belongs to the sidecar",
        ),
        (
            "/spec/template/spec/containers",
            container(json!({ "ports": [{ "containerPort": 4040 }] })),
            "port 4040 belongs to the sidecar",
        ),
        ("/spec/template/spec/restartPolicy", json!("Never"), "restartPolicy must be Always"),
        (
            "/spec/template/metadata",
            json!({ "labels": { "duckduckgoose.dev/role": "goose" } }),
            "belong to the operator",
        ),
        ("/spec/lease/duration", json!("1s"), "spec.lease.duration must be from 2s to 60s"),
        ("/spec/lease/renewal", json!("1s"), "at most a third of spec.lease.duration"),
        ("/spec/lease/renewal", json!("soon"), "spec.lease.renewal must be at least 200ms"),
        ("/spec/goose", json!({ "never": [{}] }), "must have either an ordinal or matchLabels"),
        ("/spec/goose", json!({ "policy": "Random" }), "supported values: \"Sticky\", \"Prefer\""),
        (
            "/spec/update",
            json!({ "maxUnavailable": 0 }),
            "maxUnavailable in body should be greater than or equal to 1",
        ),
        (
            "/spec/update",
            json!({ "minReadySeconds": 3601 }),
            "minReadySeconds in body should be less than or equal to 3600",
        ),
        ("/spec/volumeClaimTemplates", json!([{ "spec": {} }]), "must have a metadata.name"),
        ("/metadata/name", json!("x".repeat(51)), "metadata.name must be at most 50 characters"),
        ("/metadata/name", json!("1pond"), "begin with a letter"),
    ]
}

fn set(object: &mut Value, pointer: &str, value: &Value) -> Result<()> {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let Some(parent) = object.pointer_mut(parent) else { bail!("no {parent} in the cluster") };
    parent[field] = value.clone();
    Ok(())
}
