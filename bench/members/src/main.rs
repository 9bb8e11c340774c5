//! Many members of this project's elections in one process, each with a connection and a watch of its own.

use std::sync::Arc;

use anyhow::Result;
use bench_front::{Candidate, Place, Settings, serve};
use election::driver::{Elector, Settings as Membership, incarnation, jitter};
use election::member::{Config, Role};
use election::timing::{LONGEST_LEASE, Timing};

#[tokio::main]
async fn main() -> Result<()> {
    let settings = Settings::from_environment()?;
    let members = settings.places.iter().map(|place| join(&settings, place));
    let members = members.collect::<Result<Vec<_>>>()?;
    serve(&settings.listen, members).await
}

struct Member(Elector);

/// In a pod that is none. The Lease says how long it lasts.
fn join(settings: &Settings, place: &Place) -> Result<Arc<Member>> {
    let me = incarnation(&place.pod, &format!("uid-of-{}", place.pod))?;
    let member = Config { me, timing: Timing::default(), jitter: jitter() };
    let (namespace, lease) = (settings.namespace.clone(), place.lease.clone());
    Ok(Arc::new(Member(Elector::join(Membership { namespace, lease, member }))))
}

impl Candidate for Member {
    fn term(&self) -> Option<u64> {
        match self.0.role() {
            Role::Goose { term } => Some(term),
            Role::Duck => None,
        }
    }

    fn hand_over(self: Arc<Self>) {
        self.0.hand_over();
    }

    async fn leave(&self) {
        self.0.shut_down(LONGEST_LEASE).await;
    }
}
