//! A member that is not what ships: with a rule that is broken, or clocks that are. Tests on a real
//! cluster show by it that they would notice.

use crate::clock::Reading;
use crate::driver::calls::LeaseClient;
use crate::driver::connection::Access;
use crate::driver::elector::{Elector, Settings};
use crate::member::Member;
use crate::mutation::Mutation;

impl Elector {
    /// As [`join`](Elector::join), with this rule broken, by these clocks.
    pub fn join_altered(
        settings: Settings,
        mutation: Option<Mutation>,
        clocks: impl Fn() -> Reading + Send + Sync + 'static,
    ) -> Elector {
        let client = LeaseClient::new(Access::Inferred, settings.namespace, settings.lease);
        Elector::drive(client, Member::mutated(settings.member, mutation), clocks)
    }
}
