//! The status that a kubelet writes for a pod.

use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated,
    ContainerStateWaiting, ContainerStatus, HostIP, Pod, PodCondition, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use api::names::SIDECAR_CONTAINER;

use super::address::Address;

/// What is known of a pod's sidecar.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sidecar {
    pub state: State,
    pub restarts: i32,
    pub last_end: Option<End>,
    pub ready: bool,
    /// When `ready` last changed.
    pub ready_changed: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    Waiting,
    Running { since: Timestamp },
    Ended(End),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    pub exit_code: i32,
    pub message: Option<String>,
    pub started: Timestamp,
    pub finished: Timestamp,
}

impl Sidecar {
    pub fn new() -> Self {
        Self {
            state: State::Waiting,
            restarts: 0,
            last_end: None,
            ready: false,
            ready_changed: now(),
        }
    }

    /// A run began.
    pub fn started(&mut self) {
        if let State::Ended(end) = &self.state {
            self.last_end = Some(end.clone());
            self.restarts += 1;
        }
        self.state = State::Running { since: now() };
    }

    /// A run ended.
    pub fn ended(&mut self, exit_code: i32, message: Option<String>) {
        let finished = now();
        let started = match self.state {
            State::Running { since } => since,
            _ => finished,
        };
        self.state = State::Ended(End { exit_code, message, started, finished });
        self.set_ready(false);
    }

    /// Whether it is in service; true where that is news.
    pub fn set_ready(&mut self, ready: bool) -> bool {
        let changed = self.ready != ready;
        if changed {
            self.ready = ready;
            self.ready_changed = now();
        }
        changed
    }

    /// The pod's whole status. Its other containers are said to run as long as the pod does.
    pub fn pod_status(&self, pod: &Pod, address: Address, began: Timestamp) -> PodStatus {
        let spec = pod.spec.clone().unwrap_or_default();
        let started = !matches!(self.state, State::Waiting);
        let over = pod.metadata.deletion_timestamp.is_some();
        let init =
            spec.init_containers.iter().flatten().map(|container| match container.name.as_str() {
                SIDECAR_CONTAINER => self.container_status(container),
                _ => finished(container, began),
            });
        let others = spec.containers.iter().map(|container| match (started, over) {
            (false, _) => waiting(container),
            (true, false) => running(container, began, self.ready),
            (true, true) => finished(container, began),
        });
        PodStatus {
            phase: Some(if started { "Running" } else { "Pending" }.to_owned()),
            conditions: Some(self.conditions(began, started)),
            host_ip: Some("127.0.0.1".to_owned()),
            host_ips: Some(vec![HostIP { ip: "127.0.0.1".to_owned() }]),
            pod_ip: Some(address.pod_ip.to_string()),
            pod_ips: Some(vec![PodIP { ip: address.pod_ip.to_string() }]),
            start_time: Some(Time(began)),
            init_container_statuses: Some(init.collect()),
            container_statuses: Some(others.collect()),
            ..Default::default()
        }
    }

    fn container_status(&self, container: &Container) -> ContainerStatus {
        let state = match &self.state {
            State::Waiting => {
                ContainerState { waiting: Some(being_created()), ..Default::default() }
            }
            State::Running { since } => running_since(*since),
            State::Ended(end) => end.state(),
        };
        let running = matches!(self.state, State::Running { .. });
        ContainerStatus {
            ready: self.ready,
            started: Some(running),
            restart_count: self.restarts,
            state: Some(state),
            last_state: self.last_end.as_ref().map(End::state),
            ..named(container)
        }
    }

    fn conditions(&self, began: Timestamp, started: bool) -> Vec<PodCondition> {
        let condition = |kind: &str, holds: bool, since| PodCondition {
            type_: kind.to_owned(),
            status: if holds { "True" } else { "False" }.to_owned(),
            last_transition_time: Some(Time(since)),
            ..Default::default()
        };
        vec![
            condition("PodScheduled", true, began),
            condition("Initialized", started, began),
            condition("ContainersReady", self.ready, self.ready_changed),
            condition("Ready", self.ready, self.ready_changed),
        ]
    }
}

impl End {
    fn state(&self) -> ContainerState {
        let reason = if self.exit_code == 0 { "Completed" } else { "Error" };
        ContainerState {
            terminated: Some(ContainerStateTerminated {
                exit_code: self.exit_code,
                message: self.message.clone(),
                reason: Some(reason.to_owned()),
                started_at: Some(Time(self.started)),
                finished_at: Some(Time(self.finished)),
                ..Default::default()
            }),
            ..Default::default()
        }
    }
}

/// To the second, as Kubernetes writes it.
pub(super) fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second())
        .expect("the time without its fraction is a time")
}

fn named(container: &Container) -> ContainerStatus {
    let image = container.image.clone().unwrap_or_default();
    ContainerStatus { name: container.name.clone(), image, ..Default::default() }
}

fn waiting(container: &Container) -> ContainerStatus {
    let state = ContainerState { waiting: Some(being_created()), ..Default::default() };
    ContainerStatus { state: Some(state), started: Some(false), ..named(container) }
}

fn running(container: &Container, since: Timestamp, ready: bool) -> ContainerStatus {
    ContainerStatus {
        state: Some(running_since(since)),
        started: Some(true),
        ready,
        ..named(container)
    }
}

fn finished(container: &Container, began: Timestamp) -> ContainerStatus {
    let end = End { exit_code: 0, message: None, started: began, finished: now() };
    ContainerStatus { state: Some(end.state()), started: Some(false), ..named(container) }
}

fn running_since(since: Timestamp) -> ContainerState {
    let running = ContainerStateRunning { started_at: Some(Time(since)) };
    ContainerState { running: Some(running), ..Default::default() }
}

fn being_created() -> ContainerStateWaiting {
    ContainerStateWaiting { reason: Some("ContainerCreating".to_owned()), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod() -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "pond-0" },
            "spec": { "initContainers": [{ "name": SIDECAR_CONTAINER }], "containers": [{ "name": "work" }] },
        }))
        .unwrap()
    }

    #[test]
    fn a_restart_keeps_the_last_end_with_its_message() {
        let mut sidecar = Sidecar::new();
        sidecar.started();
        sidecar.ended(137, Some("I was pond-0".to_owned()));
        sidecar.started();
        let status = sidecar.pod_status(&pod(), Address::free(9), now());
        let sidecar = &status.init_container_statuses.unwrap()[0];
        assert_eq!(sidecar.restart_count, 1);
        assert!(sidecar.state.as_ref().unwrap().running.is_some());
        let last = sidecar.last_state.as_ref().unwrap().terminated.as_ref().unwrap();
        assert_eq!((last.exit_code, last.message.as_deref()), (137, Some("I was pond-0")));
    }

    #[test]
    fn the_pod_is_ready_when_its_sidecar_is() {
        let mut sidecar = Sidecar::new();
        sidecar.started();
        let ready = |sidecar: &Sidecar| {
            let conditions =
                sidecar.pod_status(&pod(), Address::free(9), now()).conditions.unwrap();
            conditions.iter().find(|condition| condition.type_ == "Ready").unwrap().status.clone()
        };
        assert_eq!(ready(&sidecar), "False");
        assert!(sidecar.set_ready(true));
        assert!(!sidecar.set_ready(true), "that is no news");
        assert_eq!(ready(&sidecar), "True");
        sidecar.ended(0, None);
        assert_eq!(ready(&sidecar), "False");
    }
}
