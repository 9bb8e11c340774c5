//! A tenant that takes more of the API server than its share.
//!
//! Each of its calls waits for a webhook of its own that never answers: it holds a seat in the API
//! server for seconds and costs no processor, so that what is seen is the queueing, on a small
//! machine too.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::join_all;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::flowcontrol::v1::FlowSchema;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::insist;
use super::refusals::{NAME, delete, make, only_here, take_away};
use crate::scene::Scene;
use crate::schedule::Planned;

/// The sidecars' renewals have a priority level of their own: this must not cost the role.
pub(super) async fn flood(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let nobody = TcpListener::bind((scene.cluster.host_address(), 0)).await?;
    let mut made = let_it_write(scene, &nobody).await;
    if made.is_ok() {
        // The longest fault of a lease is a short one for a tenant.
        let asked = timeout(planned.lasts * 2, ask_for_too_much(scene)).await;
        made = asked.unwrap_or(Ok(())).and(seats_were_taken(&nobody).await);
    }
    take_away::<ValidatingWebhookConfiguration>(scene).await?;
    delete(&scene.all::<RoleBinding>()).await?;
    made
}

/// They share one with all service accounts, as they would without the chart's flow schema.
pub(super) async fn flood_without_schema(planned: &Planned, scene: &Scene<'_>) -> Result<()> {
    let schemas: Api<FlowSchema> = Api::all(scene.client.clone());
    let mut schema = schemas.get(SCHEMA).await.context("wanted the chart's flow schema")?;
    schemas.delete(SCHEMA, &DeleteParams::default()).await?;
    let flooded = flood(planned, scene).await;
    (schema.metadata.uid, schema.metadata.resource_version) = (None, None);
    insist(async || match schemas.create(&PostParams::default(), &schema).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        made => Ok(made.map(drop)?),
    })
    .await?;
    flooded
}

/// Whether its calls came as far as its webhook.
async fn seats_were_taken(nobody: &TcpListener) -> Result<()> {
    let came = timeout(Duration::from_millis(100), nobody.accept()).await;
    came.context("wanted calls that wait for the webhook, found none")??;
    Ok(())
}

/// Gives the tenant a right, and puts its webhook in the way.
async fn let_it_write(scene: &Scene<'_>, nobody: &TcpListener) -> Result<()> {
    let binding = json!({
        "metadata": { "name": NAME },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit",
        },
        "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": scene.namespace }],
    });
    let binding = serde_json::from_value(binding)?;
    scene.all::<RoleBinding>().create(&PostParams::default(), &binding).await?;
    let webhook = json!({
        "metadata": { "name": NAME },
        "webhooks": [{
            "name": "nobody.chaos.duckduckgoose.dev",
            "clientConfig": { "url": format!("https://{}/", nobody.local_addr()?) },
            "rules": [{
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": ["configmaps"],
                "operations": ["CREATE"],
            }],
            "namespaceSelector": only_here(scene),
            "failurePolicy": "Fail",
            "timeoutSeconds": HELD_FOR.as_secs(),
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }],
    });
    make::<ValidatingWebhookConfiguration>(scene, webhook).await
}

/// Without end: all of it goes when this is dropped.
async fn ask_for_too_much(scene: &Scene<'_>) -> Result<()> {
    let tenant = tenant(scene).await?;
    let maps: Api<ConfigMap> = Api::namespaced(tenant, &scene.namespace);
    let map = serde_json::from_value(json!({ "metadata": { "generateName": "greed-" } }))?;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let calls = (0..CALLS_AT_ONCE).map(async |_| {
        loop {
            if maps.create(&dry, &map).await.is_err_and(|error| !is_the_webhooks(&error)) {
                sleep(AFTER_A_REFUSAL).await;
            }
        }
    });
    join_all(calls).await;
    Ok(())
}

/// It waited for as long as it should.
fn is_the_webhooks(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 500)
}

/// A user of its own, of whom the API server thinks as of any service account.
async fn tenant(scene: &Scene<'_>) -> Result<Client> {
    let mut kubeconfig = Kubeconfig::read_from(scene.cluster.kubeconfig())?;
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut()) {
        user.impersonate = Some(format!("system:serviceaccount:{}:{NAME}", scene.namespace));
    }
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

/// More than the priority level of service accounts has seats, with all that it can borrow.
const CALLS_AT_ONCE: usize = 600;

const HELD_FOR: Duration = Duration::from_secs(3);

const AFTER_A_REFUSAL: Duration = Duration::from_millis(500);

/// As the chart names it, where `cargo xtask` installs it.
const SCHEMA: &str = "duckduckgoose-leases";
