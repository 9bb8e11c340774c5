//! One run of a sidecar.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use api::names::env;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use tokio::process::{Child, Command};

use super::address::Address;
use super::{Shared, environment, kubeconfig_path};
use crate::error::Error;
use crate::files;
use crate::identity::Identity;
use crate::kubeconfig;
use crate::process;

/// A sidecar that runs. It is killed when this is dropped.
pub(super) struct Program {
    child: Child,
    pub identity: Option<Identity>,
    termination_log: PathBuf,
}

impl Program {
    /// Starts run number `run` of a pod's sidecar.
    pub async fn start(
        shared: &Shared,
        pod: &Pod,
        address: Address,
        run: u32,
    ) -> Result<Self, Error> {
        let folder = shared.folder(pod);
        let termination_log = folder.join(format!("termination-{run}"));
        files::write(&termination_log, "")?;
        write_kubeconfig(shared, pod).await?;

        let container = environment::sidecar(pod).expect("a member has a sidecar");
        let variables =
            environment::resolve(container, pod, &shared.node, address).map_err(Error::Unfit)?;
        let log = process::open_log(&shared.log(pod)).map_err(Error::file(&shared.log(pod)))?;
        let mut command = Command::new(&shared.program);
        command
            .args(container.args.iter().flatten())
            .current_dir(&folder)
            // A container has its own environment only.
            .env_clear()
            .envs(variables)
            .env(env::LISTEN, address.listen.to_string())
            .env(env::TERMINATION_LOG, &termination_log)
            .env("KUBECONFIG", kubeconfig_path(&folder))
            .env(process::MARK, &shared.plan.folder)
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(Error::file(&shared.log(pod)))?)
            .stderr(log);
        let spawned = command.spawn();
        let child =
            spawned.map_err(|source| Error::Spawn { program: shared.program.clone(), source })?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        Ok(Self { identity: pid.and_then(Identity::of), child, termination_log })
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> i32 {
        // Waiting for one's own child does not fail.
        self.child.wait().await.map_or(-1, exit_code)
    }

    /// What it has left to be told as the reason of its end: at most 4096 bytes, as of a kubelet.
    pub fn termination_message(&self) -> Option<String> {
        let bytes = fs::read(&self.termination_log).ok()?;
        let message = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).into_owned();
        (!message.is_empty()).then_some(message)
    }
}

/// As of a shell: 128 and the signal's number where a signal ended it.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// With a token of the pod's ServiceAccount that ends with the pod, as a kubelet's projected one.
/// It is not renewed: a pretended pod lives less than an hour.
async fn write_kubeconfig(shared: &Shared, pod: &Pod) -> Result<(), Error> {
    let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.clone());
    let account = account.unwrap_or_else(|| "default".to_owned());
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            bound_object_ref: Some(BoundObjectReference {
                kind: Some("Pod".to_owned()),
                api_version: Some("v1".to_owned()),
                name: Some(pod.name_any()),
                uid: pod.uid(),
            }),
            expiration_seconds: Some(3600),
            ..Default::default()
        }),
        ..Default::default()
    };
    let accounts: Api<ServiceAccount> = Api::namespaced(shared.client.clone(), &shared.namespace);
    let answer = accounts.create_token_request(&account, &PostParams::default(), &request).await?;
    let token = answer.status.and_then(|status| status.token).unwrap_or_default();
    kubeconfig::write_for_token(
        &kubeconfig_path(&shared.folder(pod)),
        &shared.plan,
        &account,
        &token,
    )
}
