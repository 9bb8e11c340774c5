//! The headless Service that gives the members their DNS names.

use api::names::{SIDECAR_PORT, SIDECAR_PORT_NAME, members_service};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::owner::Owner;

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
    Service {
        metadata: owner.metadata(&members_service(&owner.name)),
        spec: Some(spec),
        ..Service::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_names_also_when_not_ready() {
        let owner = Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() };
        let service = members(&owner);
        assert_eq!(service.metadata.name.as_deref(), Some("pond-members"));
        let spec = service.spec.unwrap();
        assert_eq!(spec.cluster_ip.as_deref(), Some("None"));
        assert_eq!(spec.publish_not_ready_addresses, Some(true));
        assert_eq!(spec.selector, Some(owner.selector()));
    }
}
