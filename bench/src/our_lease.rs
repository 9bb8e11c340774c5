//! A Lease as this project's members need it, made by hand: on the light tier no operator runs here.

use std::time::Duration;

use anyhow::{Context, Result};
use election::lease::{Orders, RECORD, STAMP};
use election::record::Record;
use election::timing::Timing;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

/// Makes the Lease `name`, which lasts for `lease` and is renewed three times in it. The pods with the first of
/// these uids are next in line, but for whoever just led.
///
/// # Errors
/// Where the API server refuses it, or there is one of that name.
pub async fn make(leases: &Api<Lease>, name: &str, lease: Duration, line: &[String]) -> Result<()> {
    let empty = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
    let made = leases.create(&PostParams::default(), &empty).await;
    let uid = made.with_context(|| format!("making the Lease {name}"))?.uid();
    let timing = Timing::new(lease, lease / 3)?;
    let orders = Orders { timing: Some(timing), successors: line.to_vec(), ..Orders::default() };
    let mut annotations =
        json!(orders.to_annotations().into_iter().collect::<std::collections::BTreeMap<_, _>>());
    annotations[STAMP] = json!(uid);
    annotations[RECORD] = json!(Record::quarantine(0, lease).to_text());
    let patch = json!({ "metadata": { "annotations": annotations } });
    leases.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}
