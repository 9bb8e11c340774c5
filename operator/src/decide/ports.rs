//! The ports that the Services of a cluster pass on: the sidecar's, and those of the template.

use std::collections::HashSet;

use api::names::{SIDECAR_PORT, SIDECAR_PORT_NAME};
use k8s_openapi::api::core::v1::{ContainerPort, PodTemplateSpec};

/// A port of the members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Unlike that of any other port of the cluster.
    pub name: String,
    /// Its number, on the pod as on the Service.
    pub number: i32,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

/// The sidecar's port, and those that the template's containers declare.
///
/// A port without a name is called `tcp-8080`, say, because a Service with more than one port needs
/// names; so is one whose name another container has taken. What is declared twice is there once.
pub fn ports(template: &PodTemplateSpec) -> Vec<Port> {
    let containers = template.spec.iter().flat_map(|spec| &spec.containers);
    let declared = containers.flat_map(|container| container.ports.iter().flatten());
    let sidecars = Port {
        name: SIDECAR_PORT_NAME.to_owned(),
        number: SIDECAR_PORT.into(),
        protocol: TCP.to_owned(),
    };
    let mut names = HashSet::from([sidecars.name.clone()]);
    let mut ports = vec![sidecars];
    for declared in declared {
        let port = port(declared, &names);
        let same = |other: &Port| (other.number, &other.protocol) == (port.number, &port.protocol);
        if !ports.iter().any(same) && names.insert(port.name.clone()) {
            ports.push(port);
        }
    }
    ports
}

fn port(declared: &ContainerPort, taken: &HashSet<String>) -> Port {
    let protocol = declared.protocol.clone().unwrap_or_else(|| TCP.to_owned());
    let number = declared.container_port;
    let name = declared.name.clone().filter(|name| !name.is_empty() && !taken.contains(name));
    let name = name.unwrap_or_else(|| format!("{}-{number}", protocol.to_lowercase()));
    Port { name, number, protocol }
}

const TCP: &str = "TCP";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_port_is_there_once_and_has_a_name_of_its_own() {
        let web = || json!({ "containerPort": 80, "name": "web" });
        for (containers, wanted) in [
            (json!([{ "name": "app" }]), "duckgoose 4040 TCP"),
            (json!([{ "name": "app", "ports": [web()] }]), "duckgoose 4040 TCP, web 80 TCP"),
            (
                json!([{ "name": "app", "ports": [{ "containerPort": 53, "protocol": "UDP" }] }]),
                "duckgoose 4040 TCP, udp-53 53 UDP",
            ),
            // The same port of two containers, and the same name for two ports.
            (
                json!([{ "name": "a", "ports": [web()] }, { "name": "b", "ports": [web()] }]),
                "duckgoose 4040 TCP, web 80 TCP",
            ),
            (
                json!([
                    { "name": "a", "ports": [web()] },
                    { "name": "b", "ports": [{ "containerPort": 81, "name": "web" }] },
                ]),
                "duckgoose 4040 TCP, web 80 TCP, tcp-81 81 TCP",
            ),
            (
                json!([{ "name": "app", "ports": [{ "containerPort": 4040, "name": "mine" }] }]),
                "duckgoose 4040 TCP",
            ),
        ] {
            let template: Value = json!({ "spec": { "containers": containers } });
            let found = ports(&serde_json::from_value(template).unwrap());
            let found: Vec<_> = found
                .iter()
                .map(|port| format!("{} {} {}", port.name, port.number, port.protocol))
                .collect();
            assert_eq!(found.join(", "), wanted);
        }
    }
}
