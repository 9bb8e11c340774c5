//! What a sidecar is told by its environment, as a kubelet resolves it.

use api::names::SIDECAR_CONTAINER;
use k8s_openapi::api::core::v1::{Container, EnvVar, Pod};
use kube::ResourceExt;

use super::address::Address;

/// The sidecar's container in a pod.
pub(super) fn sidecar(pod: &Pod) -> Option<&Container> {
    let containers = pod.spec.as_ref()?.init_containers.as_ref()?;
    containers.iter().find(|container| container.name == SIDECAR_CONTAINER)
}

/// The variables of a container, with its references to fields of the pod resolved.
///
/// An error names what it refers to, where that is none of the pod's fields.
pub(super) fn resolve(
    container: &Container,
    pod: &Pod,
    node: &str,
    address: Address,
) -> Result<Vec<(String, String)>, String> {
    let variables = container.env.iter().flatten();
    variables
        .map(|variable| Ok((variable.name.clone(), value(variable, pod, node, address)?)))
        .collect()
}

fn value(variable: &EnvVar, pod: &Pod, node: &str, address: Address) -> Result<String, String> {
    let Some(source) = &variable.value_from else {
        return Ok(variable.value.clone().unwrap_or_default());
    };
    let path = source.field_ref.as_ref().map(|field| field.field_path.as_str());
    let path =
        path.ok_or_else(|| format!("wanted a fieldRef in {}, found {source:?}", variable.name))?;
    field(path, pod, node, address)
        .ok_or_else(|| format!("wanted a field of the pod in {}, found {path}", variable.name))
}

/// The fields that the downward API has for environment variables.
fn field(path: &str, pod: &Pod, node: &str, address: Address) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let value = match path {
        "metadata.name" => pod.name_any(),
        "metadata.namespace" => pod.namespace()?,
        "metadata.uid" => pod.uid()?,
        "spec.nodeName" => node.to_owned(),
        "spec.serviceAccountName" => spec.service_account_name.clone()?,
        "status.podIP" | "status.podIPs" => address.pod_ip.to_string(),
        "status.hostIP" | "status.hostIPs" => "127.0.0.1".to_owned(),
        _ => {
            // An absent label or annotation is an empty variable.
            let (map, key) = path.strip_suffix("']")?.split_once("['")?;
            let map = match map {
                "metadata.labels" => pod.labels(),
                "metadata.annotations" => pod.annotations(),
                _ => return None,
            };
            map.get(key).cloned().unwrap_or_default()
        }
    };
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(env: serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "pond-0", "namespace": "park", "uid": "u-1", "labels": { "duckduckgoose.dev/cluster": "pond" } },
            "spec": { "containers": [], "initContainers": [{ "name": SIDECAR_CONTAINER, "env": env }] },
        }))
        .unwrap()
    }

    fn resolved(env: serde_json::Value) -> Result<Vec<(String, String)>, String> {
        let pod = pod(env);
        resolve(sidecar(&pod).unwrap(), &pod, "n1", Address::free(9))
    }

    #[test]
    fn fields_of_the_pod_are_put_in() {
        let env = json!([
            { "name": "CLUSTER", "value": "pond" },
            { "name": "POD", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
            { "name": "UID", "valueFrom": { "fieldRef": { "fieldPath": "metadata.uid" } } },
            { "name": "LABEL", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['duckduckgoose.dev/cluster']" } } },
        ]);
        let expected = [("CLUSTER", "pond"), ("POD", "pond-0"), ("UID", "u-1"), ("LABEL", "pond")];
        assert_eq!(
            resolved(env).unwrap(),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn what_is_no_field_is_named() {
        let env =
            json!([{ "name": "WHAT", "valueFrom": { "fieldRef": { "fieldPath": "spec.what" } } }]);
        assert_eq!(
            resolved(env).unwrap_err(),
            "wanted a field of the pod in WHAT, found spec.what"
        );
    }
}
