//! Rule 10: the record of a holder whose death is confirmed, released.

use super::{FIRST_LOOK, Pass};
use crate::calls;
use crate::death::Burial;
use crate::decide::death::released;

impl Pass<'_> {
    /// Releases the record of a dead holder. Whether it did: what this pass saw is old then, and
    /// the next one is woken by the release.
    pub(super) async fn bury_the_dead(&mut self) -> bool {
        let owner = &self.owner;
        let release = match self.context.stores.deaths.burial(&owner.namespace, &owner.name) {
            Burial::Now(release) if self.record.is_some() => release,
            Burial::In(wait) => {
                self.look_again_in(wait);
                return false;
            }
            Burial::Now(_) | Burial::None => return false,
        };
        let lease = self.lease.as_deref().and_then(|lease| released(lease, &release));
        let Some(lease) = lease else {
            // The watch and the store differ for a moment.
            self.look_again_in(FIRST_LOOK);
            return false;
        };
        self.context.stores.reigns.buried(&owner.namespace, &owner.name, release.record.term);
        match calls::replace_lease(&self.context.client, &lease).await {
            Ok(_) => {
                let (cluster, namespace) = (&self.owner.name, &self.owner.namespace);
                let term = release.record.term;
                tracing::info!(cluster, namespace, term, "the Goose died: its Lease is released");
                true
            }
            Err(failure) => {
                self.note(failure);
                false
            }
        }
    }
}
