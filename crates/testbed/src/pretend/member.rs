//! The life of one pod.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::address::Address;
use super::program::Program;
use super::readiness;
use super::status::{Sidecar, now};
use super::{Running, Shared};

pub(super) struct Member {
    shared: Arc<Shared>,
    /// Its latest version. Its sender is dropped when the pod is gone.
    pod: watch::Receiver<Pod>,
    uid: String,
    address: Address,
    began: Timestamp,
    sidecar: Sidecar,
    /// How many runs were begun.
    runs: u32,
}

/// Why a run of the sidecar needs no more attention.
enum Turn {
    /// It ended by itself.
    Ended { exit_code: i32 },
    /// The pod is to end within this time.
    Deleted { grace: Duration },
    /// The pod was deleted without grace: there is no object any more.
    Gone,
}

impl Member {
    pub fn new(shared: Arc<Shared>, pod: watch::Receiver<Pod>) -> Self {
        let uid = pod.borrow().uid().unwrap_or_default();
        let address = Address::free(shared.plan.index);
        Self { shared, pod, uid, address, began: now(), sidecar: Sidecar::new(), runs: 0 }
    }

    /// Until the pod is gone.
    pub async fn run(mut self) {
        self.bind().await;
        loop {
            let Some(mut program) = self.start().await else { break };
            match self.attend(&mut program).await {
                Turn::Gone => break,
                Turn::Deleted { grace } => {
                    self.end(&mut program, grace).await;
                    self.delete().await;
                    break;
                }
                Turn::Ended { exit_code } => {
                    self.register(None);
                    // A kubelet lists its containers once a second, and so is late by half of that.
                    sleep(Duration::from_millis(500)).await;
                    self.sidecar.ended(exit_code, program.termination_message());
                    self.write_status().await;
                    // And is that long about starting it again.
                    sleep(Duration::from_millis(200)).await;
                }
            }
        }
        self.shared.running.remove(&self.uid);
    }

    /// The scheduler's part.
    async fn bind(&self) {
        let name = self.name();
        while self.pod.borrow().spec.as_ref().is_some_and(|spec| spec.node_name.is_none()) {
            let binding = json!({
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": { "name": name, "uid": self.uid },
                "target": { "apiVersion": "v1", "kind": "Node", "name": self.shared.node },
            });
            let pods = self.shared.pods();
            let bound = pods
                .create_subresource::<_, Value>("binding", &name, &PostParams::default(), &binding)
                .await;
            match bound {
                Err(error) if !is_final(&error) => sleep(AGAIN).await,
                // It was bound before, or is gone: the watch tells.
                _ => return,
            }
        }
    }

    /// Starts a run; none where the pod ends before that can be done.
    async fn start(&mut self) -> Option<Program> {
        loop {
            let pod = self.pod.borrow_and_update().clone();
            if pod.metadata.deletion_timestamp.is_some() {
                self.delete().await;
                return None;
            }
            self.runs += 1;
            match Program::start(&self.shared, &pod, self.address, self.runs).await {
                Ok(program) => {
                    self.sidecar.started();
                    self.register(Some(&program));
                    self.write_status().await;
                    return Some(program);
                }
                Err(error) => {
                    self.shared.progress.line(format!("pod {}: {error}", self.name()));
                    // Its account may be about to be made, or the API server to be started again.
                    sleep(AGAIN).await;
                    self.pod.has_changed().ok()?;
                }
            }
        }
    }

    /// Watches over a run until something is to be done about it.
    async fn attend(&mut self, program: &mut Program) -> Turn {
        let mut ticks = interval(Duration::from_millis(200));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut written = true;
        loop {
            tokio::select! {
                exit_code = program.wait() => return Turn::Ended { exit_code },
                told = self.pod.changed() => match told {
                    Err(_) => return Turn::Gone,
                    Ok(()) => if let Some(grace) = grace(&self.pod.borrow_and_update()) {
                        return Turn::Deleted { grace };
                    }
                },
                _ = ticks.tick() => {
                    let news = self.sidecar.set_ready(readiness::is_ready(self.address.listen).await);
                    if news || !written {
                        written = self.write_status().await;
                    }
                }
            }
        }
    }

    /// Ends a run as a kubelet does, and says how it ended while there is still an object to say it.
    async fn end(&mut self, program: &mut Program, grace: Duration) {
        self.signal(program, Signal::TERM);
        let exit_code = match timeout(grace, program.wait()).await {
            Ok(exit_code) => exit_code,
            Err(_) => {
                self.signal(program, Signal::KILL);
                program.wait().await
            }
        };
        self.sidecar.ended(exit_code, program.termination_message());
        self.register(None);
        self.write_status().await;
    }

    /// Removes the object, once nothing of the pod runs.
    async fn delete(&self) {
        let now = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid: Some(self.uid.clone()),
                resource_version: None,
            }),
            ..Default::default()
        };
        while let Err(error) = self.shared.pods().delete(&self.name(), &now).await {
            if is_final(&error) {
                return;
            }
            sleep(AGAIN).await;
        }
    }

    /// Whether it could be written.
    async fn write_status(&self) -> bool {
        let status = self.sidecar.pod_status(&self.pod.borrow(), self.address, self.began);
        // With its uid, so that it never lands on a successor of the same name.
        let patch = json!({ "metadata": { "uid": self.uid }, "status": status });
        let written = self
            .shared
            .pods()
            .patch_status(&self.name(), &PatchParams::default(), &Patch::Merge(patch))
            .await;
        written.is_ok()
    }

    fn register(&self, program: Option<&Program>) {
        let running = Running {
            pod: self.name(),
            address: self.address.listen,
            log: self.shared.log(&self.pod.borrow()),
            process: program.and_then(|program| program.identity),
        };
        self.shared.running.put(&self.uid, running);
    }

    fn signal(&self, program: &Program, signal: Signal) {
        // One that has ended needs no signal.
        let _ = program.identity.is_some_and(|process| process.signal(signal));
    }

    fn name(&self) -> String {
        self.pod.borrow().name_any()
    }
}

/// How long a pod that is being deleted has.
fn grace(pod: &Pod) -> Option<Duration> {
    pod.metadata.deletion_timestamp.as_ref()?;
    let seconds = pod.metadata.deletion_grace_period_seconds.unwrap_or(30);
    Some(Duration::from_secs(seconds.try_into().unwrap_or(0)))
}

/// Whether trying again changes nothing: the object is gone, or is another one by now.
fn is_final(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404 || status.code == 409)
}

const AGAIN: Duration = Duration::from_millis(500);
