//! What the sidecars may do: their one Lease, and nothing else.

use api::names::sidecar_account;
use k8s_openapi::api::core::v1::{PodTemplateSpec, ServiceAccount};
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};

use super::owner::Owner;

/// The account that the members run as: the template's own, or the one that the operator makes.
pub fn account_name(owner: &Owner, template: &PodTemplateSpec) -> String {
    own_account(template).map_or_else(|| sidecar_account(&owner.name), str::to_owned)
}

/// The account to make; `None` where the template names one.
pub fn service_account(owner: &Owner, template: &PodTemplateSpec) -> Option<ServiceAccount> {
    let metadata = owner.metadata(&sidecar_account(&owner.name));
    own_account(template)
        .is_none()
        .then(|| ServiceAccount { metadata, ..ServiceAccount::default() })
}

/// Get, watch and update of the one Lease. No list, and no access to pods: a sidecar that could
/// patch pods could label itself, and any other pod of the namespace.
pub fn role(owner: &Owner) -> Role {
    let rule = PolicyRule {
        api_groups: Some(vec!["coordination.k8s.io".to_owned()]),
        resources: Some(vec!["leases".to_owned()]),
        resource_names: Some(vec![owner.name.clone()]),
        verbs: ["get", "watch", "update"].map(str::to_owned).to_vec(),
        ..PolicyRule::default()
    };
    Role { metadata: owner.metadata(&sidecar_account(&owner.name)), rules: Some(vec![rule]) }
}

/// Binds the members' account to the role.
pub fn role_binding(owner: &Owner, template: &PodTemplateSpec) -> RoleBinding {
    let name = sidecar_account(&owner.name);
    RoleBinding {
        metadata: owner.metadata(&name),
        role_ref: RoleRef {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "Role".to_owned(),
            name,
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: account_name(owner, template),
            namespace: Some(owner.namespace.clone()),
            api_group: None,
        }]),
    }
}

/// The account that the template names.
pub fn own_account(template: &PodTemplateSpec) -> Option<&str> {
    let name = template.spec.as_ref()?.service_account_name.as_deref()?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::PodSpec;

    use super::*;

    fn pond() -> Owner {
        Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() }
    }

    fn template(account: Option<&str>) -> PodTemplateSpec {
        let spec =
            PodSpec { service_account_name: account.map(str::to_owned), ..PodSpec::default() };
        PodTemplateSpec { spec: Some(spec), ..PodTemplateSpec::default() }
    }

    #[test]
    fn an_account_is_made_unless_the_template_names_one() {
        for (named, made, bound) in [
            (None, Some("pond-duckgoose"), "pond-duckgoose"),
            (Some(""), Some("pond-duckgoose"), "pond-duckgoose"),
            (Some("mine"), None, "mine"),
        ] {
            let account = service_account(&pond(), &template(named));
            assert_eq!(account.and_then(|account| account.metadata.name).as_deref(), made);
            let binding = role_binding(&pond(), &template(named));
            assert_eq!(binding.subjects.unwrap()[0].name, bound);
        }
    }

    #[test]
    fn the_role_is_for_one_lease() {
        let rules = role(&pond()).rules.unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].resource_names, Some(vec!["pond".to_owned()]));
        assert_eq!(rules[0].verbs, ["get", "watch", "update"]);
    }
}
