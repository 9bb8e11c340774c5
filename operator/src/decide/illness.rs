//! The condition GooseIll: what the sidecar of the Goose says of its workload.
//!
//! A Goose whose workload is ill gives its role away where it can. The condition is about one that
//! keeps it.

use api::DuckGooseCluster;
use api::status::goose_ill;
use election::lease::illness;
use election::record::Record;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;

use super::status::Verdict;

/// Whether the Goose leads though its workload is ill.
pub fn goose_ill(
    cluster: &DuckGooseCluster,
    lease: Option<&Lease>,
    record: Option<&Record>,
) -> Verdict {
    if let Some((lease, record)) = lease.zip(record)
        && let Some(holder) = &record.holder
        && let Some(words) = illness(lease.annotations(), record.term)
    {
        let pod = holder.pod();
        let message = format!("{pod} is the Goose, and its workload is ill: {words}");
        return Verdict::new("True", goose_ill::WORKLOAD_ILL, message);
    }
    if cluster.spec.goose.health_check.is_some() {
        return Verdict::new("False", goose_ill::NOT_ILL, "its sidecar has nothing against it");
    }
    Verdict::new("False", goose_ill::NOT_CHECKED, "spec.goose.healthCheck is not set")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use election::lease::{ILLNESS, illness_to_text};
    use election::record::Incarnation;
    use serde_json::{from_value, json};

    use super::*;

    fn cluster(goose: serde_json::Value) -> DuckGooseCluster {
        let template = json!({ "spec": { "containers": [] } });
        let spec = json!({ "replicas": 3, "template": template, "goose": goose });
        from_value(json!({
            "apiVersion": "duckduckgoose.dev/v1alpha1", "kind": "DuckGooseCluster",
            "metadata": { "name": "pond" }, "spec": spec,
        }))
        .unwrap()
    }

    #[test]
    fn it_is_true_of_the_goose_of_that_term_alone() {
        let checked = cluster(json!({ "healthCheck": { "httpGet": { "port": 8080 } } }));
        let unchecked = cluster(json!({}));
        let mut lease = Lease::default();
        let text = illness_to_text(7, "it answers 500");
        lease.metadata.annotations = Some(BTreeMap::from([(ILLNESS.to_owned(), text)]));
        let record = |term, holder: Option<&str>| {
            let holder = holder.map(|pod| Incarnation::new(pod, "p", "a").unwrap());
            Record { holder, ..Record::quarantine(term, Duration::from_secs(6)) }
        };
        for (cluster, record, wanted) in [
            (&checked, Some(record(7, Some("pond-1"))), goose_ill::WORKLOAD_ILL),
            // A check that was taken away is known to the sidecar once its pod is made anew.
            (&unchecked, Some(record(7, Some("pond-1"))), goose_ill::WORKLOAD_ILL),
            (&checked, Some(record(8, Some("pond-1"))), goose_ill::NOT_ILL),
            (&checked, Some(record(7, None)), goose_ill::NOT_ILL),
            (&checked, None, goose_ill::NOT_ILL),
            (&unchecked, None, goose_ill::NOT_CHECKED),
        ] {
            let found = goose_ill(cluster, Some(&lease), record.as_ref());
            assert_eq!(found.reason, wanted, "{record:?}");
            assert_eq!(found.status == "True", wanted == goose_ill::WORKLOAD_ILL);
        }
        let found = goose_ill(&checked, Some(&lease), Some(&record(7, Some("pond-1"))));
        assert_eq!(found.message, "pond-1 is the Goose, and its workload is ill: it answers 500");
    }
}
