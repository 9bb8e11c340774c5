//! kubert's `LeaseManager` as a sidecar, told over HTTP as all peers are.
//!
//! It is used as its documentation says: a claim is asked whether it is current, and dropping the receiver of claims
//! vacates the Lease.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use bench_front::{Candidate, Place, Settings, now, serve};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use kubert::lease::{Claim, ClaimParams, LeaseManager};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<()> {
    let settings = Settings::from_environment()?;
    let members = settings.places.iter().map(|place| Member::join(&settings, place));
    serve(&settings.listen, members.collect()).await
}

struct Member {
    pod: String,
    state: Mutex<State>,
    /// The role is to be given up.
    give_up: Notify,
    /// The Lease has been vacated.
    vacated: Notify,
}

#[derive(Default)]
struct State {
    claims: Option<watch::Receiver<Arc<Claim>>>,
    /// The claim that it leads by was first seen then: kubert has no fencing token.
    leads_since: Option<u64>,
    leaving: bool,
}

impl Member {
    fn join(settings: &Settings, place: &Place) -> Arc<Self> {
        let member = Arc::new(Self {
            pod: place.pod.clone(),
            state: Mutex::default(),
            give_up: Notify::new(),
            vacated: Notify::new(),
        });
        // The grace in which it renews: its default is 1 s of 30 s.
        let params =
            ClaimParams { lease_duration: settings.duration, renew_grace_period: Duration::from_secs(1) };
        let (namespace, lease) = (settings.namespace.clone(), place.lease.clone());
        tokio::spawn(member.clone().take_part(namespace, lease, params));
        member
    }

    /// Again and again, until it leaves.
    async fn take_part(self: Arc<Self>, namespace: String, lease: String, params: ClaimParams) {
        while !self.with(|state| state.leaving) {
            if let Err(error) = self.take_part_once(&namespace, &lease, &params).await {
                eprintln!("{}: {error:#}", self.pod);
                sleep(AGAIN).await;
            }
        }
    }

    async fn take_part_once(&self, namespace: &str, lease: &str, params: &ClaimParams) -> Result<()> {
        let leases: Api<Lease> = Api::namespaced(Client::try_default().await?, namespace);
        make(&leases, lease).await?;
        let manager = LeaseManager::init(leases, lease).await?.with_field_manager(self.pod.clone());
        let (claims, task) = manager.spawn(&self.pod, params.clone()).await?;
        let mut task = tokio::spawn(async move { task.await });
        self.with(|state| state.claims = Some(claims));
        let ended = tokio::select! {
            ended = &mut task => Some(ended),
            () = self.give_up.notified() => None,
        };
        self.with(|state| (state.claims, state.leads_since) = (None, None));
        let ended = match ended {
            Some(ended) => ended,
            // It vacates what it has, now that nobody hears of claims any more.
            None => task.await,
        };
        self.vacated.notify_one();
        Ok(ended???)
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().expect("nobody panics with it"))
    }
}

impl Candidate for Member {
    fn term(&self) -> Option<u64> {
        self.with(|state| {
            let leads = state.claims.as_ref().is_some_and(|it| it.borrow().is_current_for(&self.pod));
            state.leads_since = leads.then(|| state.leads_since.unwrap_or_else(now));
            state.leads_since
        })
    }

    fn hand_over(self: Arc<Self>) {
        self.give_up.notify_one();
    }

    async fn leave(&self) {
        self.with(|state| state.leaving = true);
        if self.with(|state| state.claims.is_some()) {
            self.give_up.notify_one();
            self.vacated.notified().await;
        }
    }
}

/// kubert wants the Lease to be there.
async fn make(leases: &Api<Lease>, name: &str) -> Result<()> {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    match leases.create(&PostParams::default(), &Lease { metadata, spec: None }).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        made => Ok(made.map(drop)?),
    }
}

/// After an error.
const AGAIN: Duration = Duration::from_secs(1);
