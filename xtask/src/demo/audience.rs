//! Everyone who watches: one task follows the pods, one asks each of them, all the time.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use api::names::CLUSTER_LABEL;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::task::{AbortHandle, JoinSet};

use super::ask::{Asker, Clock, Way};
use super::pond::{Member, Pond};
use crate::screen::Screen;

/// Finds the way to a pod, once it has one.
pub type FindWay = Arc<dyn Fn(&Pod) -> Option<Way> + Send + Sync>;

/// Watches a cluster's pods until it is dropped.
pub struct Audience {
    /// What they have found out.
    pub pond: Arc<Pond>,
    _watching: JoinSet<()>,
}

impl Audience {
    /// Begins to watch.
    pub fn gather(
        client: Client,
        namespace: &str,
        cluster: &str,
        find_way: FindWay,
        screen: &Screen,
    ) -> Self {
        let pond = Arc::new(Pond::new());
        let pods = Api::namespaced(client, namespace);
        let label = format!("{CLUSTER_LABEL}={cluster}");
        let mut watching = JoinSet::new();
        let follower = Follower {
            pond: pond.clone(),
            find_way,
            screen: screen.clone(),
            askers: JoinSet::new(),
            asked: HashMap::new(),
        };
        watching.spawn(follower.follow(pods, label));
        Self { pond, _watching: watching }
    }
}

struct Follower {
    pond: Arc<Pond>,
    find_way: FindWay,
    screen: Screen,
    askers: JoinSet<()>,
    /// By uid.
    asked: HashMap<String, AbortHandle>,
}

impl Follower {
    async fn follow(mut self, pods: Api<Pod>, label: String) {
        // An error of the watch is not the end of it: it is taken up again after a while.
        let watch = watcher(pods, watcher::Config::default().labels(&label)).default_backoff();
        let mut watch = pin!(watch);
        let mut listed = Vec::new();
        loop {
            match watch.try_next().await {
                Ok(Some(Event::Init)) => listed.clear(),
                Ok(Some(Event::InitApply(pod))) => {
                    listed.extend(pod.uid());
                    self.see(&pod);
                }
                Ok(Some(Event::InitDone)) => self.keep_only(&listed),
                Ok(Some(Event::Apply(pod))) => self.see(&pod),
                Ok(Some(Event::Delete(pod))) => self.forget(&pod.uid().unwrap_or_default()),
                Ok(None) => return,
                Err(_) => {}
            }
        }
    }

    fn see(&mut self, pod: &Pod) {
        let Some(member) = member(pod, self.pond.clock) else { return };
        let uid = member.uid.clone();
        self.pond.see(member);
        if !self.asked.contains_key(&uid)
            && let Some(way) = (self.find_way)(pod)
        {
            let asker = Asker::new(&uid, &pod.name_any(), way.clone(), self.pond.clock);
            let handle = self.askers.spawn(ask_on(
                asker,
                uid.clone(),
                way,
                self.pond.clone(),
                self.screen.clone(),
            ));
            self.asked.insert(uid, handle);
        }
    }

    fn forget(&mut self, uid: &str) {
        if let Some(handle) = self.asked.remove(uid) {
            handle.abort();
        }
        self.pond.forget(uid);
    }

    fn keep_only(&mut self, listed: &[String]) {
        let known = self.pond.look(|known| {
            known.members().iter().map(|member| member.uid.clone()).collect::<Vec<_>>()
        });
        for uid in known.iter().filter(|uid| !listed.contains(uid)) {
            self.forget(uid);
        }
    }
}

async fn ask_on(mut asker: Asker, uid: String, way: Way, pond: Arc<Pond>, screen: Screen) {
    let mut pace = tokio::time::interval(way.pace());
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let Ok(answer) = asker.ask().await else {
            pond.miss(&uid);
            tokio::time::sleep(AFTER_FAILURE).await;
            continue;
        };
        for proof in pond.hear(&answer) {
            screen.line(format!("WRONG: {proof}"));
        }
    }
}

/// A process that has just died refuses at once: that must not become a storm.
const AFTER_FAILURE: Duration = Duration::from_millis(20);

fn member(pod: &Pod, clock: Clock) -> Option<Member> {
    let status = pod.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    Some(Member {
        uid: pod.uid()?,
        pod: pod.name_any(),
        node: pod.spec.as_ref()?.node_name.clone().unwrap_or_else(|| "-".to_owned()),
        ready: conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True"),
        leaving: pod.metadata.deletion_timestamp.is_some(),
        said: None,
        since: clock.now(),
    })
}
