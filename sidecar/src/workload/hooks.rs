//! Tells the workload when the role comes and goes, in this order:
//!
//! 1. The pod wins the election. Nobody else leads from here on. It still says
//!    duck, in all its answers and in the role file.
//! 2. The workload is told, and accepts. Only now the pod says goose.
//! 3. The role ends. The pod says duck.
//! 4. The workload is told, and acknowledges. Only now others may lead, or when
//!    the lease has ended.
//!
//! A Goose that cannot renew gives its role up so long before the lease ends as
//! step 4 may take.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use election::driver::Event;
use election::member::Role as Is;
use futures::future::OptionFuture;
use hyper::Method;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};
use tokio::time::sleep;

use super::request::{RequestError, send};
use super::settings::{FailurePolicy, Hooks};
use super::{Role, Workload, give_away, word};

/// Stands between the election and all that tells of it.
pub struct Attendant {
    role: Arc<dyn Role>,
    workload: Arc<Workload>,
    hooks: Hooks,
    /// Name of the pod.
    pod: String,
    told: Sender<Event>,
}

impl Attendant {
    /// For the pod of this name.
    pub fn new(
        role: Arc<dyn Role>,
        workload: Arc<Workload>,
        hooks: Hooks,
        pod: String,
    ) -> Attendant {
        Attendant { role, workload, hooks, pod, told: Sender::new(EVENTS) }
    }

    /// What happens, as it may be told: that the pod leads once its workload has
    /// accepted that.
    pub fn events(&self) -> Receiver<Event> {
        self.told.subscribe()
    }

    /// Attends until the election ends.
    pub async fn run(self, mut events: Receiver<Event>) {
        let mut led = None;
        let mut becoming: OptionFuture<Pin<Box<dyn Future<Output = Event> + Send + '_>>> =
            None.into();
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(Event::Became(Is::Goose { term }, cause)) => {
                        led = Some(term);
                        let event = Event::Became(Is::Goose { term }, cause);
                        becoming = OptionFuture::from(Some(Box::pin(self.becomes(term, event)) as _));
                    }
                    Ok(event @ Event::Became(Is::Duck, _)) => {
                        becoming = None.into();
                        self.workload.accept(None);
                        self.tell(event);
                        if let Some(term) = led.take() {
                            self.ceases(term).await;
                        }
                    }
                    Ok(event) => self.tell(event),
                    // The coming of the role may be among what was missed, and would never be
                    // accepted: begin anew.
                    Err(RecvError::Lagged(_)) if self.hooks.become_goose.is_some() => {
                        self.role.hand_over();
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                Some(event) = &mut becoming => {
                    becoming = None.into();
                    self.workload.accept(led);
                    self.tell(event);
                }
                () = sleep(LOOKS), if led.is_some() => self.give_up_in_time(),
            }
        }
    }

    /// Returns the event when the workload has accepted it.
    async fn becomes(&self, term: u64, event: Event) -> Event {
        let Some(hook) = &self.hooks.become_goose else { return event };
        loop {
            let body = self.body(true, term);
            let Err(why) = post(hook.port, &hook.path, body, hook.timeout).await else {
                tracing::info!(term, "the workload has become the Goose's");
                return event;
            };
            if hook.failure_policy == FailurePolicy::Proceed {
                tracing::warn!(term, %why, "leads though the workload has not become the Goose's");
                return event;
            }
            if give_away(self.role.as_ref(), &self.workload) {
                tracing::warn!(term, %why, "hands over: the workload does not become the Goose's");
                // The end of the role ends this, too.
                pending::<()>().await;
            }
            tracing::warn!(term, %why, "the workload has not become the Goose's: asks again");
            sleep(AGAIN).await;
        }
    }

    /// Returns when others may lead. Without an acknowledgement that is when the
    /// lease has ended: it is not released before.
    async fn ceases(&self, term: u64) {
        let Some(hook) = &self.hooks.cease_goose else { return };
        loop {
            let body = self.body(false, term);
            let left = self.role.lease_left();
            // Too late is not too late to tell.
            let limit = if left.is_zero() { hook.timeout } else { hook.timeout.min(left) };
            match post(hook.port, &hook.path, body, limit).await {
                Ok(()) => {
                    tracing::info!(term, "the workload has ceased to be the Goose's");
                    break;
                }
                // Who has ended does nothing any more.
                Err(HookError::Unanswered(RequestError::NobodyListens(_))) => break,
                Err(why) => tracing::warn!(term, %why, "the workload may not have ceased"),
            }
            if self.role.lease_left().is_zero() {
                break;
            }
            sleep(CEASE_AGAIN).await;
        }
        self.role.permit_release(term);
    }

    /// Leaves the workload the time that it needs to cease.
    fn give_up_in_time(&self) {
        let Some(hook) = &self.hooks.cease_goose else { return };
        if self.role.leads() && self.role.lease_left() < hook.timeout + LOOKS {
            tracing::warn!("could not renew, and gives up in time for the workload to cease");
            self.role.hand_over();
        }
    }

    fn body(&self, is_goose: bool, term: u64) -> String {
        json!({ "role": word(is_goose), "pod": self.pod, "term": term }).to_string()
    }

    fn tell(&self, event: Event) {
        // Whether anybody listens is their concern.
        let _ = self.told.send(event);
    }
}

/// Why the workload did not agree.
#[derive(Debug, thiserror::Error)]
enum HookError {
    #[error("wanted a status from 200 to 299, found {0}")]
    Refused(u16),
    #[error(transparent)]
    Unanswered(#[from] RequestError),
}

async fn post(port: u16, path: &str, body: String, limit: Duration) -> Result<(), HookError> {
    let status = send(Method::POST, port, path, body, limit).await?;
    if status.is_success() { Ok(()) } else { Err(HookError::Refused(status.as_u16())) }
}

/// As many as the election keeps for whoever is slow.
const EVENTS: usize = 64;

/// How often a Goose looks at how much is left of its lease.
const LOOKS: Duration = Duration::from_millis(50);

const AGAIN: Duration = Duration::from_secs(1);

const CEASE_AGAIN: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};

    use axum::Router;
    use axum::extract::State;
    use axum::http::StatusCode;
    use election::member::Cause;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::super::settings::{BecomeGoose, CeaseGoose};
    use super::*;

    /// A workload that answers what the test wants, and what it was told.
    struct Beside {
        status: AtomicU16,
        told: Mutex<Vec<String>>,
    }

    impl Beside {
        async fn start(status: u16) -> (Arc<Beside>, u16) {
            let beside =
                Arc::new(Beside { status: AtomicU16::new(status), told: Mutex::default() });
            let answer = |State(beside): State<Arc<Beside>>, body: String| async move {
                beside.told.lock().unwrap().push(body);
                StatusCode::from_u16(beside.status.load(Ordering::Relaxed)).unwrap()
            };
            let router = Router::new().fallback(answer).with_state(beside.clone());
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            tokio::spawn(async { axum::serve(listener, router).await });
            (beside, port)
        }

        fn told(&self) -> Vec<String> {
            self.told.lock().unwrap().clone()
        }
    }

    /// The election, as the test sets it.
    struct Fake {
        lease_left_ms: AtomicU64,
        successor: AtomicBool,
        handed_over: AtomicUsize,
        permitted: AtomicU64,
    }

    impl Role for Fake {
        fn leads(&self) -> bool {
            true
        }
        fn lease_left(&self) -> Duration {
            Duration::from_millis(self.lease_left_ms.load(Ordering::Relaxed))
        }
        fn has_successor(&self) -> bool {
            self.successor.load(Ordering::Relaxed)
        }
        fn hand_over(&self) {
            self.handed_over.fetch_add(1, Ordering::Relaxed);
        }
        fn permit_release(&self, term: u64) {
            self.permitted.store(term, Ordering::Relaxed);
        }
        fn report_illness(&self, _: Option<String>) {}
    }

    /// One pod with an attendant.
    struct Pod {
        role: Arc<Fake>,
        workload: Arc<Workload>,
        happens: Sender<Event>,
        told: Receiver<Event>,
    }

    impl Pod {
        fn with(hooks: Hooks) -> Pod {
            let role = Arc::new(Fake {
                lease_left_ms: AtomicU64::new(5_000),
                successor: AtomicBool::new(true),
                handed_over: AtomicUsize::new(0),
                permitted: AtomicU64::new(0),
            });
            let workload = Arc::new(Workload::new(hooks.become_goose.is_some()));
            let attendant =
                Attendant::new(role.clone(), workload.clone(), hooks, "pond-0".to_owned());
            let (happens, told) = (Sender::new(8), attendant.events());
            tokio::spawn(attendant.run(happens.subscribe()));
            Pod { role, workload, happens, told }
        }

        fn becomes(&self, role: Is) {
            self.happens.send(Event::Became(role, Cause::TookFree)).unwrap();
        }

        async fn is_told(&mut self, role: Is) {
            let event = timeout(PATIENCE, self.told.recv()).await.expect("wanted an event");
            assert_eq!(event.unwrap(), Event::Became(role, Cause::TookFree));
        }

        fn permitted(&self) -> u64 {
            self.role.permitted.load(Ordering::Relaxed)
        }
    }

    async fn until(found: impl Fn() -> bool) {
        let waited = async {
            while !found() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, waited).await.expect("it did not come to be");
    }

    fn becoming(port: u16, failure_policy: FailurePolicy) -> Hooks {
        let timeout = Duration::from_secs(5);
        let hook = BecomeGoose { port, path: "/become".to_owned(), timeout, failure_policy };
        Hooks { become_goose: Some(hook), cease_goose: None }
    }

    fn ceasing(port: u16) -> Hooks {
        let timeout = Duration::from_millis(500);
        let hook = CeaseGoose { port, path: "/cease".to_owned(), timeout };
        Hooks { become_goose: None, cease_goose: Some(hook) }
    }

    const GOOSE: Is = Is::Goose { term: 7 };

    #[tokio::test]
    async fn the_pod_leads_once_its_workload_has_accepted_that() {
        let (beside, port) = Beside::start(503).await;
        let mut pod = Pod::with(becoming(port, FailurePolicy::HandOver));
        pod.role.successor.store(false, Ordering::Relaxed);
        pod.becomes(GOOSE);
        until(|| !beside.told().is_empty()).await;
        assert_eq!(beside.told()[0], r#"{"pod":"pond-0","role":"goose","term":7}"#);
        assert!(!pod.workload.accepts(7) && pod.told.is_empty());

        // With nobody to hand over to, it is asked again.
        beside.status.store(204, Ordering::Relaxed);
        pod.is_told(GOOSE).await;
        assert!(pod.workload.accepts(7) && !pod.workload.accepts(8));
        assert_eq!(pod.role.handed_over.load(Ordering::Relaxed), 0);
        pod.becomes(Is::Duck);
        pod.is_told(Is::Duck).await;
        assert!(!pod.workload.accepts(7));
    }

    #[tokio::test]
    async fn what_happens_without_acceptance_is_the_policys() {
        let (_beside, port) = Beside::start(500).await;
        let pod = Pod::with(becoming(port, FailurePolicy::HandOver));
        pod.becomes(GOOSE);
        until(|| pod.role.handed_over.load(Ordering::Relaxed) == 1).await;
        assert!(pod.told.is_empty());

        let mut pod = Pod::with(becoming(port, FailurePolicy::Proceed));
        pod.becomes(GOOSE);
        pod.is_told(GOOSE).await;
        assert_eq!(pod.role.handed_over.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn others_may_lead_once_the_workload_has_acknowledged() {
        let (beside, port) = Beside::start(500).await;
        let mut pod = Pod::with(ceasing(port));
        pod.becomes(GOOSE);
        pod.is_told(GOOSE).await;
        pod.becomes(Is::Duck);
        pod.is_told(Is::Duck).await;
        until(|| beside.told().len() > 1).await;
        assert_eq!(pod.permitted(), 0);
        beside.status.store(200, Ordering::Relaxed);
        until(|| pod.permitted() == 7).await;
        assert_eq!(beside.told()[0], r#"{"pod":"pond-0","role":"duck","term":7}"#);
    }

    #[tokio::test]
    async fn nothing_is_waited_for_past_the_lease_nor_of_a_workload_that_has_ended() {
        let (beside, port) = Beside::start(500).await;
        let pod = Pod::with(ceasing(port));
        pod.becomes(GOOSE);
        pod.becomes(Is::Duck);
        until(|| !beside.told().is_empty()).await;
        assert_eq!(pod.permitted(), 0);
        pod.role.lease_left_ms.store(0, Ordering::Relaxed);
        until(|| pod.permitted() == 7).await;

        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let pod = Pod::with(ceasing(closed));
        pod.becomes(GOOSE);
        pod.becomes(Is::Duck);
        until(|| pod.permitted() == 7).await;
    }

    #[tokio::test]
    async fn who_cannot_renew_gives_up_in_time_for_the_workload_to_cease() {
        let mut pod = Pod::with(ceasing(1));
        pod.becomes(GOOSE);
        pod.is_told(GOOSE).await;
        sleep(LOOKS * 4).await;
        assert_eq!(pod.role.handed_over.load(Ordering::Relaxed), 0);
        pod.role.lease_left_ms.store(520, Ordering::Relaxed);
        until(|| pod.role.handed_over.load(Ordering::Relaxed) > 0).await;
    }

    const PATIENCE: Duration = Duration::from_secs(10);
}
