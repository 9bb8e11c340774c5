//! Kubeconfigs of a cluster, each complete in one file. JSON is YAML, too.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::error::Error;
use crate::files;
use crate::pki::{self, Credentials};
use crate::plan::Plan;

/// Writes one for every user.
pub(crate) fn write_all(plan: &Plan) -> Result<(), Error> {
    for user in pki::users(plan) {
        let Credentials { authority, certificate, key } = Credentials::of(plan, &user)?;
        let credentials = json!({
            "client-certificate-data": BASE64_STANDARD.encode(certificate),
            "client-key-data": BASE64_STANDARD.encode(key),
        });
        write(&plan.kubeconfig(&user), plan, &authority, &user, credentials)?;
    }
    Ok(())
}

/// Writes one that uses a bearer token.
pub(crate) fn write_for_token(
    path: &Path,
    plan: &Plan,
    user: &str,
    token: &str,
) -> Result<(), Error> {
    let authority = pki::trusted(plan)?;
    write(path, plan, &authority, user, json!({ "token": token }))
}

/// A client that is this user. It retries nothing by itself: what a test sees is what happened.
pub(crate) async fn client(path: &Path) -> Result<Client, Error> {
    let kubeconfig = Kubeconfig::read_from(path)?;
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

fn write(
    path: &Path,
    plan: &Plan,
    authority: &[u8],
    user: &str,
    credentials: Value,
) -> Result<(), Error> {
    let text = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": plan.name, "cluster": {
            "server": plan.server(),
            "certificate-authority-data": BASE64_STANDARD.encode(authority),
        }}],
        "users": [{ "name": user, "user": credentials }],
        "contexts": [{ "name": plan.name, "context": { "cluster": plan.name, "user": user } }],
        "current-context": plan.name,
    });
    files::write(path, serde_json::to_vec_pretty(&text).expect("a JSON value is JSON"))
}
