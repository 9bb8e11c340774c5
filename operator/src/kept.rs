//! What is kept of an object that is only applied: whose it is, its version, and a fingerprint.
//!
//! There are seven of them for each cluster. An object that has nothing but its metadata takes some
//! 2 KiB in memory, and most of that are maps that hold one label; this takes a quarter.

use std::borrow::Cow;
use std::marker::PhantomData;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::runtime::reflector::{Lookup, ObjectRef, Store};
use kube::runtime::watcher::Event;

use crate::decide::object::{Found, fingerprint, version};
use crate::decide::owner::{Owner, controller};
use crate::stores::{Kind, named};

/// An object of the kind `K`, as it is kept.
#[derive(Clone, Debug)]
pub struct Kept<K> {
    namespace: Option<Box<str>>,
    name: Box<str>,
    uid: Option<Box<str>>,
    version: u64,
    fingerprint: u64,
    is_going: bool,
    controller: Option<Box<OwnerReference>>,
    kind: PhantomData<fn() -> K>,
}

/// Where it shows whether an object of the kind `K` is as it was applied.
pub trait Shows<K> {
    /// The object of this name in the owner's namespace, seen from the owner.
    fn found(&self, name: &str, owner: &Owner) -> Option<Found>;
}

impl<K: Kind> Kept<K> {
    /// What is kept of an object.
    pub fn of(object: &K) -> Kept<K> {
        let metadata = object.meta();
        Kept {
            namespace: metadata.namespace.as_deref().map(Into::into),
            name: metadata.name.as_deref().unwrap_or_default().into(),
            uid: metadata.uid.as_deref().map(Into::into),
            version: version(object),
            fingerprint: fingerprint(object),
            is_going: metadata.deletion_timestamp.is_some(),
            controller: controller(metadata).cloned().map(Box::new),
            kind: PhantomData,
        }
    }

    /// The same event, of what is kept of its object.
    pub fn of_event(event: &Event<K>) -> Event<Kept<K>> {
        match event {
            Event::Init => Event::Init,
            Event::InitApply(object) => Event::InitApply(Kept::of(object)),
            Event::InitDone => Event::InitDone,
            Event::Apply(object) => Event::Apply(Kept::of(object)),
            Event::Delete(object) => Event::Delete(Kept::of(object)),
        }
    }

    fn seen_from(&self, owner: &Owner) -> Found {
        Found {
            standing: owner.standing_of(self.controller.as_deref()),
            uid: self.uid.as_deref().unwrap_or_default().to_owned(),
            version: self.version,
            fingerprint: self.fingerprint,
            going: self.is_going,
        }
    }
}

impl<K: Kind> Shows<K> for Store<Kept<K>> {
    fn found(&self, name: &str, owner: &Owner) -> Option<Found> {
        let kept = self.get(&ObjectRef::new(name).within(&owner.namespace))?;
        Some(kept.seen_from(owner))
    }
}

impl<K: Kind> Shows<K> for Store<K> {
    fn found(&self, name: &str, owner: &Owner) -> Option<Found> {
        let object = named(self, name, &owner.namespace)?;
        Some(Found::new(&*object, owner))
    }
}

impl<K: Kind> Lookup for Kept<K> {
    type DynamicType = ();

    fn kind(_: &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group(_: &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version(_: &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.name))
    }

    fn namespace(&self) -> Option<Cow<'_, str>> {
        self.namespace.as_deref().map(Cow::Borrowed)
    }

    fn resource_version(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn uid(&self) -> Option<Cow<'_, str>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Service;
    use kube::runtime::reflector;

    use super::*;

    #[test]
    fn what_is_kept_shows_what_the_whole_would() {
        let owner =
            |uid: &str| Owner { name: "pond".into(), namespace: "ns".into(), uid: uid.into() };
        let mut whole =
            Service { metadata: owner("u").metadata("pond-goose"), ..Service::default() };
        whole.metadata.resource_version = Some("8".into());
        whole.metadata.uid = Some("s1".into());
        whole.spec.get_or_insert_default().type_ = Some("ClusterIP".into());
        let (kept, mut writer) = reflector::store::<Kept<Service>>();
        let (store, mut whole_writer) = reflector::store::<Service>();
        for unowned in [false, true] {
            if unowned {
                whole.metadata.owner_references = None;
            }
            let event = Event::Apply(whole.clone());
            writer.apply_watcher_event(&Kept::of_event(&event));
            whole_writer.apply_watcher_event(&event);
            for from in [owner("u"), owner("of one by that name before")] {
                let found = kept.found("pond-goose", &from);
                assert!(found.is_some());
                assert_eq!(found, store.found("pond-goose", &from));
            }
        }
        writer.apply_watcher_event(&Kept::of_event(&Event::Delete(whole)));
        assert_eq!(kept.found("pond-goose", &owner("u")), None);
    }
}
