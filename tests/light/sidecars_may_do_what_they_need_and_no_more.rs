//! The members' account may get, watch and update their one Lease: that is enough for them to elect
//! a Goose, and everything else is forbidden.

use anyhow::{Result, ensure};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    // It is enough: each sidecar here has a token of this account.
    let (pond, _) = stage.pond(&Wanted::pods(2)).await?;
    let mut allowed = Vec::new();
    for (group, resource) in RESOURCES {
        for verb in VERBS {
            for name in ["pond", "other", ""] {
                if may(stage, verb, group, resource, name).await? {
                    allowed.push(format!("{verb} {resource}/{name}"));
                }
            }
        }
    }
    ensure!(
        allowed == ["get leases/pond", "watch leases/pond", "update leases/pond"],
        "{allowed:?}"
    );
    pond.judge()?;
    Ok(())
}

async fn may(stage: &Stage, verb: &str, group: &str, resource: &str, name: &str) -> Result<bool> {
    let reviews: Api<SubjectAccessReview> = Api::all(stage.client.clone());
    let namespace = &stage.namespace;
    let review = json!({ "spec": {
        "user": format!("system:serviceaccount:{namespace}:pond-duckgoose"),
        "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
        "resourceAttributes": {
            "namespace": namespace,
            "verb": verb,
            "group": group,
            "resource": resource,
            "name": name,
        },
    }});
    let review = reviews.create(&PostParams::default(), &serde_json::from_value(review)?).await?;
    Ok(review.status.is_some_and(|status| status.allowed))
}

const VERBS: [&str; 8] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

const RESOURCES: [(&str, &str); 7] = [
    ("coordination.k8s.io", "leases"),
    ("", "pods"),
    ("", "secrets"),
    ("", "configmaps"),
    ("", "events"),
    ("apps", "statefulsets"),
    ("duckduckgoose.dev", "duckgooseclusters"),
];
