//! How often each object of a namespace was made.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::task::JoinSet;

use crate::snapshot::{is_ours, kinds};

/// Counts all objects that clusters are made of, until it is dropped.
#[derive(Debug)]
pub struct Births {
    seen: Arc<Mutex<Seen>>,
    _watches: JoinSet<()>,
}

/// Uids by kind and name.
type Seen = BTreeMap<String, BTreeSet<String>>;

impl Births {
    /// Begins to count.
    pub fn count(client: &Client, namespace: &str) -> Self {
        let seen = Arc::new(Mutex::default());
        let mut watches = JoinSet::new();
        for resource in kinds() {
            let objects = Api::namespaced_with(client.clone(), namespace, &resource);
            watches.spawn(watch(objects, resource, seen.clone()));
        }
        Self { seen, _watches: watches }
    }

    /// How many of each kind and name there were.
    pub fn so_far(&self) -> BTreeMap<String, usize> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().map(|(name, uids)| (name.clone(), uids.len())).collect()
    }
}

async fn watch(objects: Api<DynamicObject>, resource: ApiResource, seen: Arc<Mutex<Seen>>) {
    let versions = watcher(objects, watcher::Config::default()).default_backoff();
    let mut versions = pin!(versions.touched_objects());
    while let Some(version) = versions.next().await {
        // It goes on by itself after an error.
        let Ok(object) = version else { continue };
        if is_ours(&object, &resource) {
            let name = format!("{} {}", resource.kind, object.name_any());
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.entry(name).or_default().extend(object.uid());
        }
    }
}
