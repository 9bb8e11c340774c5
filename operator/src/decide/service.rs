//! The Services: a name for each member, one for the Goose, one for the Ducks.

use api::names::{
    DUCK, ROLE_LABEL, SIDECAR_PORT, SIDECAR_PORT_NAME, ducks_service, goose_service,
    members_service,
};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::owner::Owner;
use super::ports::Port;

/// A name for each member, ready or not: who asks a member for its role must also reach one
/// that is not ready.
pub fn members(owner: &Owner) -> Service {
    let port = ServicePort {
        name: Some(SIDECAR_PORT_NAME.to_owned()),
        port: SIDECAR_PORT.into(),
        target_port: Some(IntOrString::String(SIDECAR_PORT_NAME.to_owned())),
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    };
    let spec = ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        publish_not_ready_addresses: Some(true),
        selector: Some(owner.selector()),
        ports: Some(vec![port]),
        ..ServiceSpec::default()
    };
    named(owner, members_service(&owner.name), spec)
}

/// The way to the Goose. It selects nobody: the operator writes its EndpointSlices itself (see
/// `traffic`), which moves clients in some 30 ms where a selector takes more than a second.
pub fn goose(owner: &Owner, ports: &[Port]) -> Service {
    named(owner, goose_service(&owner.name), routing(ports))
}

/// The way to any Duck that is ready.
pub fn ducks(owner: &Owner, ports: &[Port]) -> Service {
    let mut selector = owner.selector();
    selector.insert(ROLE_LABEL.to_owned(), DUCK.to_owned());
    let spec = ServiceSpec { selector: Some(selector), ..routing(ports) };
    named(owner, ducks_service(&owner.name), spec)
}

/// With an address of each family that the Kubernetes cluster has.
fn routing(ports: &[Port]) -> ServiceSpec {
    let ports = ports.iter().map(|port| ServicePort {
        name: Some(port.name.clone()),
        port: port.number,
        target_port: Some(IntOrString::Int(port.number)),
        protocol: Some(port.protocol.clone()),
        ..ServicePort::default()
    });
    ServiceSpec {
        ip_family_policy: Some("PreferDualStack".to_owned()),
        ports: Some(ports.collect()),
        ..ServiceSpec::default()
    }
}

fn named(owner: &Owner, name: String, spec: ServiceSpec) -> Service {
    Service { metadata: owner.metadata(&name), spec: Some(spec), ..Service::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pond() -> Owner {
        Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() }
    }

    #[test]
    fn members_have_names_also_when_not_ready() {
        let owner = pond();
        let service = members(&owner);
        assert_eq!(service.metadata.name.as_deref(), Some("pond-members"));
        let spec = service.spec.unwrap();
        assert_eq!(spec.cluster_ip.as_deref(), Some("None"));
        assert_eq!(spec.publish_not_ready_addresses, Some(true));
        assert_eq!(spec.selector, Some(owner.selector()));
    }

    #[test]
    fn the_gooses_service_selects_nobody_and_the_ducks_one_ducks() {
        let ports = [Port { name: "web".into(), number: 80, protocol: "TCP".into() }];
        let (goose, ducks) = (goose(&pond(), &ports), ducks(&pond(), &ports));
        assert_eq!(goose.metadata.name.as_deref(), Some("pond-goose"));
        assert_eq!(ducks.metadata.name.as_deref(), Some("pond-ducks"));
        let (goose, ducks) = (goose.spec.unwrap(), ducks.spec.unwrap());
        assert_eq!(goose.selector, None);
        assert_eq!(ducks.selector.unwrap()[ROLE_LABEL], DUCK);
        assert_eq!(goose.ports, ducks.ports);
        assert_eq!(goose.ports.unwrap()[0].port, 80);
    }
}
