//! Follows the pods: new ones are asked, their labels noted.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::names::{CLUSTER_LABEL, DUCK, GOOSE, ROLE_LABEL};
use futures::StreamExt;
use history::Label;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::asker::Asker;
use crate::board::Board;
use crate::clock::Clock;
use crate::scope::Scope;
use crate::seen::Member;
use crate::way::Way;

/// Follows the pods of the cluster for ever.
pub(crate) async fn follow(scope: Scope, client: Client, board: Arc<Board>, clock: Clock) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &scope.namespace);
    let selector = format!("{CLUSTER_LABEL}={}", scope.cluster);
    let mut events = pin!(watcher(pods, Config::default().labels(&selector)));
    let mut follower =
        Follower { scope, client, board, clock, askers: JoinSet::new(), asked: HashMap::new() };
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(pod)) => listed.push(pod),
            Ok(Event::InitDone) => follower.see_all(std::mem::take(&mut listed)),
            Ok(Event::Apply(pod)) => follower.see(&pod),
            Ok(Event::Delete(pod)) => follower.forget(&pod.uid().unwrap_or_default()),
            // It is taken up again by itself; an API server that is stopped on purpose is no news.
            Err(_) => sleep(BACK_OFF).await,
        }
    }
}

struct Follower {
    scope: Scope,
    client: Client,
    board: Arc<Board>,
    clock: Clock,
    askers: JoinSet<()>,
    /// By uid.
    asked: HashMap<Arc<str>, Asked>,
}

struct Asked {
    way: Way,
    task: AbortHandle,
    pod_is_gone: Arc<AtomicBool>,
}

impl Follower {
    fn see(&mut self, pod: &Pod) {
        let Some(mut member) = member(pod) else { return };
        let way = (self.scope.find_way)(pod);
        member.way.clone_from(&way);
        let (uid, name, at) = (member.uid.clone(), member.pod.clone(), self.clock.now());
        self.board.note(|seen| {
            seen.see(at, member);
            true
        });
        if let Some(way) = way {
            self.ask(&uid, &name, way);
        }
    }

    /// Begins to ask, unless the pod is asked there already.
    fn ask(&mut self, uid: &Arc<str>, pod: &Arc<str>, way: Way) {
        if let Some(asked) = self.asked.get(uid) {
            if asked.way.is_like(&way) {
                return;
            }
            asked.task.abort();
        }
        let proxy = Some((self.client.clone(), self.scope.namespace.clone()));
        let asker = Asker::new(uid, pod, way.clone(), proxy, self.clock);
        let pod_is_gone = Arc::new(AtomicBool::new(false));
        let task = self.askers.spawn(ask_on(asker, self.board.clone(), pod_is_gone.clone()));
        self.asked.insert(uid.clone(), Asked { way, task, pod_is_gone });
    }

    /// All pods at one time. In which order they changed before it is not known: the one that
    /// proves nothing is taken.
    fn see_all(&mut self, pods: Vec<Pod>) {
        let listed: HashSet<String> = pods.iter().filter_map(Pod::uid).collect();
        let known = self.board.look(|seen| {
            seen.members().iter().map(|member| member.uid.clone()).collect::<Vec<_>>()
        });
        for uid in known.iter().filter(|uid| !listed.contains(&***uid)) {
            self.forget(uid);
        }
        let (geese, others): (Vec<_>, Vec<_>) =
            pods.into_iter().partition(|pod| label(pod) == Label::Goose);
        others.iter().chain(&geese).for_each(|pod| self.see(pod));
    }

    /// A pod that is gone for the API server may still live on a node that is cut off.
    fn forget(&mut self, uid: &str) {
        if let Some(asked) = self.asked.remove(uid) {
            asked.pod_is_gone.store(true, Ordering::Relaxed);
        }
        let at = self.clock.now();
        self.board.note(|seen| {
            seen.forget(at, uid);
            true
        });
    }
}

/// Asks until the pod is gone and its last connection, too: after that its address can be another
/// pod's.
pub(crate) async fn ask_on(mut asker: Asker, board: Arc<Board>, pod_is_gone: Arc<AtomicBool>) {
    let mut pace = interval(asker.way.pace());
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !pod_is_gone.load(Ordering::Relaxed) || asker.is_connected() {
        pace.tick().await;
        match asker.ask().await {
            Ok(answer) => board.note(|seen| seen.hear(answer)),
            // No answer is no news: who looks sees who is silent.
            Err(_) => sleep(REDIAL).await,
        }
    }
}

fn member(pod: &Pod) -> Option<Member> {
    let status = pod.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let is_ready = |type_: &str, status: &str| type_ == "Ready" && status == "True";
    Some(Member {
        uid: pod.uid()?.into(),
        pod: pod.name_any().into(),
        node: pod.spec.as_ref()?.node_name.clone(),
        ready: conditions.iter().any(|condition| is_ready(&condition.type_, &condition.status)),
        leaving: pod.metadata.deletion_timestamp.is_some(),
        label: label(pod),
        version: pod.resource_version().and_then(|text| text.parse().ok()).unwrap_or_default(),
        way: None,
        answer: None,
        since: Duration::ZERO,
    })
}

fn label(pod: &Pod) -> Label {
    match pod.labels().get(ROLE_LABEL).map(String::as_str) {
        Some(GOOSE) => Label::Goose,
        Some(DUCK) => Label::Duck,
        _ => Label::None,
    }
}

/// Between two tries to reach the API server.
const BACK_OFF: Duration = Duration::from_millis(200);

/// Before a member that did not answer is asked again.
const REDIAL: Duration = Duration::from_millis(10);
