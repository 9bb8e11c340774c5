//! Events, for `kubectl describe` and `kubectl events`.

use api::DuckGooseCluster;
use api::names::FIELD_MANAGER;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};

use crate::calls;
use crate::decide::happening::Happening;

/// Tells people what happened to a cluster.
pub struct Events {
    client: Client,
}

impl Events {
    /// Events that this operator reports.
    pub fn new(client: Client) -> Events {
        Events { client }
    }

    /// Tells it, and does not wait for it. An event that does not arrive is only logged: nothing
    /// depends on it.
    pub fn tell(&self, cluster: &DuckGooseCluster, happening: Happening) {
        let event = Event {
            type_: if happening.warning { EventType::Warning } else { EventType::Normal },
            reason: happening.reason,
            note: Some(happening.note),
            action: "Reconcile".to_owned(),
            secondary: happening.about,
        };
        let reference = cluster.object_ref(&());
        // A recorder of its own: one that is kept takes two events with the same reason for one,
        // and shows the first one's note. Only changes are told, so there is nothing to merge.
        let recorder = Recorder::new(self.client.clone(), Reporter::from(FIELD_MANAGER));
        tokio::spawn(async move {
            let published = recorder.publish(&event, &reference);
            if let Err(failure) = calls::bounded("record an Event", published).await {
                tracing::warn!(%failure, "people were not told");
            }
        });
    }
}
