//! By what a cluster is known.

use kube::ResourceExt;

/// Namespace and name of a cluster, which are its Lease's and its StatefulSet's as well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Id {
    /// The cluster of this name in this namespace.
    pub fn new(namespace: &str, name: &str) -> Id {
        Id { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The cluster that this object is, or whose name it bears.
    pub fn of(object: &impl ResourceExt) -> Id {
        Id { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
    }
}
