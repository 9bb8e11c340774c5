//! The API server's answers to the sidecars: refusals that a real one gives, asked for by objects of
//! its own.

use anyhow::Result;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration};
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::insist;
use crate::scene::Scene;
use crate::schedule::Planned;

/// All of the sidecars' requests belong to a priority level that has room for none.
pub(super) async fn too_many_requests(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let level = json!({
        "metadata": { "name": NAME },
        "spec": { "type": "Limited", "limited": {
            "nominalConcurrencyShares": 0,
            "lendablePercent": 0,
            "borrowingLimitPercent": 0,
            "limitResponse": { "type": "Reject" },
        } },
    });
    let schema = json!({
        "metadata": { "name": NAME },
        "spec": {
            "matchingPrecedence": 2,
            "priorityLevelConfiguration": { "name": NAME },
            "rules": [{
                "subjects": [{
                    "kind": "Group",
                    "group": { "name": format!("system:serviceaccounts:{}", scene.namespace) },
                }],
                "resourceRules": [{
                    "verbs": ["*"],
                    "apiGroups": ["*"],
                    "resources": ["*"],
                    "namespaces": ["*"],
                }],
            }],
        },
    });
    let made = async {
        make::<PriorityLevelConfiguration>(scene, level).await?;
        make::<FlowSchema>(scene, schema).await
    };
    let made = made.await;
    if made.is_ok() {
        sleep(planned.lasts).await;
    }
    take_away::<FlowSchema>(scene).await?;
    take_away::<PriorityLevelConfiguration>(scene).await?;
    made
}

/// A webhook that nobody answers, and that must be asked before each write of the Lease.
pub(super) async fn writes_fail(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let webhook = json!({
        "metadata": { "name": NAME },
        "webhooks": [{
            "name": "nobody.chaos.duckduckgoose.dev",
            "clientConfig": { "url": "https://127.0.0.1:1/" },
            "rules": [lease_writes()],
            "namespaceSelector": only_here(scene),
            "failurePolicy": "Fail",
            "timeoutSeconds": 1,
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }],
    });
    let made = make::<ValidatingWebhookConfiguration>(scene, webhook).await;
    if made.is_ok() {
        sleep(planned.lasts).await;
    }
    take_away::<ValidatingWebhookConfiguration>(scene).await?;
    made
}

/// A policy that knows the pod by its token.
pub(super) async fn writes_denied(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let victim = scene.victim(planned)?;
    let (policy, binding) = denial(scene, &victim.pod);
    let made = async {
        make::<ValidatingAdmissionPolicy>(scene, policy).await?;
        make::<ValidatingAdmissionPolicyBinding>(scene, binding).await
    };
    let made = made.await;
    if made.is_ok() {
        sleep(planned.lasts).await;
    }
    take_away::<ValidatingAdmissionPolicyBinding>(scene).await?;
    take_away::<ValidatingAdmissionPolicy>(scene).await?;
    made
}

fn denial(scene: &Scene<'_>, pod: &str) -> (Value, Value) {
    let key = "authentication.kubernetes.io/pod-name";
    let others = format!(
        "!has(request.userInfo.extra) || !('{key}' in request.userInfo.extra) || \
         request.userInfo.extra['{key}'][0] != '{pod}'"
    );
    let policy = json!({
        "metadata": { "name": NAME },
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": { "resourceRules": [lease_writes()] },
            "validations": [{ "expression": others, "reason": "Forbidden" }],
        },
    });
    let binding = json!({
        "metadata": { "name": NAME },
        "spec": {
            "policyName": NAME,
            "validationActions": ["Deny"],
            "matchResources": { "namespaceSelector": only_here(scene) },
        },
    });
    (policy, binding)
}

fn lease_writes() -> Value {
    json!({
        "apiGroups": ["coordination.k8s.io"],
        "apiVersions": ["v1"],
        "resources": ["leases"],
        "operations": ["UPDATE"],
    })
}

pub(super) fn only_here(scene: &Scene<'_>) -> Value {
    json!({ "matchLabels": { "kubernetes.io/metadata.name": scene.namespace } })
}

/// Kinds that belong to no namespace.
pub(super) trait OfTheCluster:
    kube::Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>
    + Clone
    + std::fmt::Debug
    + Serialize
    + DeserializeOwned
{
}

impl<Kind> OfTheCluster for Kind where
    Kind: kube::Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>
        + Clone
        + std::fmt::Debug
        + Serialize
        + DeserializeOwned
{
}

pub(super) async fn make<Kind: OfTheCluster>(scene: &Scene<'_>, object: Value) -> Result<()> {
    let all: Api<Kind> = Api::all(scene.client.clone());
    all.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    Ok(())
}

pub(super) async fn take_away<Kind: OfTheCluster>(scene: &Scene<'_>) -> Result<()> {
    delete::<Kind>(&Api::all(scene.client.clone())).await
}

/// Until it is gone.
pub(super) async fn delete<Kind: Clone + DeserializeOwned + std::fmt::Debug>(
    all: &Api<Kind>,
) -> Result<()> {
    insist(async || match all.delete(NAME, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        deleted => Ok(deleted.map(drop)?),
    })
    .await
}

/// Of all objects that faults make.
pub(super) const NAME: &str = "duckduckgoose-chaos";
