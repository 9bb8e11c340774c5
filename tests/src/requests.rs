//! How many requests of one client the API server has counted.
//!
//! A FlowSchema of its own makes the API server count them apart from all others.

use anyhow::{Context, Result};
use http::Request;
use k8s_openapi::api::flowcontrol::v1::FlowSchema;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

/// Counts the requests of one client.
pub struct Requests {
    client: Client,
    schema: String,
}

impl Requests {
    /// Has those with one of these verbs counted, under a name that nothing else has. `of` is a
    /// subject as FlowSchemas have it.
    ///
    /// # Errors
    /// Where that is refused.
    pub async fn count(client: &Client, name: &str, of: Value, verbs: &[&str]) -> Result<Self> {
        let schema = json!({
            "metadata": { "name": name },
            "spec": {
                "priorityLevelConfiguration": { "name": "leader-election" },
                "matchingPrecedence": 50,
                "rules": [{
                    "subjects": [of],
                    "resourceRules": [{
                        "verbs": verbs,
                        "apiGroups": ["*"],
                        "resources": ["*"],
                        "clusterScope": true,
                        "namespaces": ["*"],
                    }],
                    "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
                }],
            },
        });
        let schemas: Api<FlowSchema> = Api::all(client.clone());
        schemas.create(&PostParams::default(), &serde_json::from_value(schema)?).await?;
        Ok(Self { client: client.clone(), schema: name.to_owned() })
    }

    /// How many there were.
    ///
    /// # Errors
    /// Where there was none yet.
    pub async fn so_far(&self) -> Result<u64> {
        let metrics = self.client.request_text(Request::get("/metrics").body(Vec::new())?).await?;
        let name = "apiserver_flowcontrol_dispatched_requests_total";
        let ours = format!("flow_schema=\"{}\"", self.schema);
        let line = metrics.lines().find(|line| line.starts_with(name) && line.contains(&ours));
        let line = line.with_context(|| format!("wanted {name} with {ours}, found none"))?;
        let count = line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
        Ok(count.with_context(|| format!("wanted a count, found {line}"))? as u64)
    }

    /// Counts them no more.
    ///
    /// # Errors
    /// Where that is refused.
    pub async fn stop(self) -> Result<()> {
        let schemas: Api<FlowSchema> = Api::all(self.client);
        schemas.delete(&self.schema, &DeleteParams::default()).await?;
        Ok(())
    }
}
