//! Whose an object is. Nothing that belongs to another is ever changed.

use std::collections::BTreeMap;

use api::DuckGooseCluster;
use api::names::{CLUSTER_LABEL, FIELD_MANAGER};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};

/// The cluster as the owner of its objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    /// Name of the cluster.
    pub name: String,
    /// Its namespace, and that of all its objects.
    pub namespace: String,
    /// Its `metadata.uid`: another cluster of the same name is another owner.
    pub uid: String,
}

/// Whose an object is that bears a name which the cluster needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This cluster's.
    Ours,
    /// Nothing controls it.
    Unowned,
    /// That of a deleted cluster of the same name. The garbage collector will take it.
    Predecessor,
    /// Somebody else's, in words.
    Foreign(String),
}

impl Owner {
    /// The cluster as the owner of its objects.
    pub fn of(cluster: &DuckGooseCluster) -> Owner {
        Owner {
            name: cluster.name_any(),
            namespace: cluster.namespace().unwrap_or_default(),
            uid: cluster.uid().unwrap_or_default(),
        }
    }

    /// The metadata of an object of this cluster, by which it is also watched and swept.
    pub fn metadata(&self, name: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(self.namespace.clone()),
            labels: Some(self.labels()),
            owner_references: Some(vec![self.reference()]),
            ..ObjectMeta::default()
        }
    }

    /// The labels of each object of this cluster.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.selector();
        labels.insert(MANAGED_BY_LABEL.to_owned(), FIELD_MANAGER.to_owned());
        labels
    }

    /// The labels that select the members.
    pub fn selector(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(CLUSTER_LABEL.to_owned(), self.name.clone())])
    }

    /// The reference by which the garbage collector deletes what the cluster owns.
    pub fn reference(&self) -> OwnerReference {
        OwnerReference {
            api_version: DuckGooseCluster::api_version(&()).into_owned(),
            kind: DuckGooseCluster::kind(&()).into_owned(),
            name: self.name.clone(),
            uid: self.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }
    }

    /// Whose the object with this metadata is.
    pub fn standing(&self, object: &ObjectMeta) -> Standing {
        self.standing_of(controller(object))
    }

    /// Whose an object is that this one controls.
    pub fn standing_of(&self, controller: Option<&OwnerReference>) -> Standing {
        let Some(controller) = controller else { return Standing::Unowned };
        let same_name = controller.kind == DuckGooseCluster::kind(&())
            && controller.api_version == DuckGooseCluster::api_version(&())
            && controller.name == self.name;
        match same_name {
            true if controller.uid == self.uid => Standing::Ours,
            true => Standing::Predecessor,
            false => Standing::Foreign(format!("{} {}", controller.kind, controller.name)),
        }
    }
}

/// The owner that controls the object with this metadata, if any.
pub fn controller(object: &ObjectMeta) -> Option<&OwnerReference> {
    object.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_very_cluster_owns() {
        let pond = Owner { name: "pond".into(), namespace: "ns".into(), uid: "u1".into() };
        let with = |change: fn(&mut OwnerReference)| {
            let mut metadata = pond.metadata("pond");
            change(&mut metadata.owner_references.as_mut().unwrap()[0]);
            pond.standing(&metadata)
        };
        assert_eq!(with(|_| ()), Standing::Ours);
        assert_eq!(with(|owner| owner.uid = "u0".into()), Standing::Predecessor);
        assert_eq!(with(|owner| owner.controller = None), Standing::Unowned);
        assert_eq!(
            with(|owner| owner.name = "lake".into()),
            Standing::Foreign("DuckGooseCluster lake".into())
        );
        assert_eq!(
            with(|owner| owner.kind = "Deployment".into()),
            Standing::Foreign("Deployment pond".into())
        );
    }
}
