//! The programs of the control plane and their flags: the same on both tiers, except for where
//! they listen.

use std::time::Duration;

use http::Request;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;

use crate::error::Error;
use crate::etcd;
use crate::files;
use crate::kubeconfig;
use crate::pki::PODS_AUTHORITIES;
use crate::plan::{Plan, SERVICE_RANGE, Tier};
use crate::process::{Invocation, Process};
use crate::programs::Programs;
use crate::wait;

pub(crate) const APISERVER: &str = "kube-apiserver";
pub(crate) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
pub(crate) const SCHEDULER: &str = "kube-scheduler";

/// Starts the API server and waits until it is ready.
pub(crate) async fn start_apiserver(plan: &Plan, programs: &Programs) -> Result<(), Error> {
    files::write(&plan.audit_policy(), AUDIT_POLICY)?;
    start(plan, programs, APISERVER, APISERVER, apiserver_flags(plan))?;
    apiserver_ready(plan).await
}

/// Waits until the API server says that it is ready.
pub(crate) async fn apiserver_ready(plan: &Plan) -> Result<(), Error> {
    let client = kubeconfig::client(&plan.kubeconfig("admin")).await?;
    let process = Process::new(plan, APISERVER);
    wait::until("the API server ready", APISERVER_PATIENCE, Some(&process), || async {
        let request = Request::get("/readyz").body(Vec::new()).expect("a fixed path");
        let answer =
            tokio::time::timeout(Duration::from_secs(2), client.request_text(request)).await;
        match answer {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in 2 s".to_owned()),
        }
    })
    .await
}

/// Waits until the `default` namespace has its service account: no pod is admitted before.
pub(crate) async fn service_accounts_ready(plan: &Plan) -> Result<(), Error> {
    let client = kubeconfig::client(&plan.kubeconfig("admin")).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
    let process = Process::new(plan, CONTROLLER_MANAGER);
    wait::until("service account", Duration::from_secs(60), Some(&process), || async {
        accounts.get("default").await.map(drop).map_err(|error| error.to_string())
    })
    .await
}

/// Starts the controller manager.
pub(crate) fn start_controller_manager(plan: &Plan, programs: &Programs) -> Result<(), Error> {
    start(plan, programs, CONTROLLER_MANAGER, CONTROLLER_MANAGER, controller_manager_flags(plan))
}

/// Starts the scheduler.
pub(crate) fn start_scheduler(plan: &Plan, programs: &Programs) -> Result<(), Error> {
    start(plan, programs, SCHEDULER, SCHEDULER, scheduler_flags(plan))
}

/// Starts a program as a process of this name, where the control plane is.
pub(crate) fn start(
    plan: &Plan,
    programs: &Programs,
    program: &str,
    name: &str,
    arguments: Vec<String>,
) -> Result<(), Error> {
    let namespace = (plan.tier == Tier::Full).then(|| plan.control_plane().namespace);
    let program = programs.path(program);
    Process::new(plan, name).start(Invocation {
        program,
        arguments,
        namespace,
        environment: Vec::new(),
    })
}

fn apiserver_flags(plan: &Plan) -> Vec<String> {
    let ports = plan.ports();
    let pki = |name: &str| plan.pki().join(name).display().to_string();
    let mut flags = vec![
        format!("--etcd-servers={}", etcd::urls(plan)),
        format!("--advertise-address={}", plan.apiserver_address()),
        format!("--secure-port={}", ports.apiserver),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        format!("--tls-cert-file={}", pki("apiserver.crt")),
        format!("--tls-private-key-file={}", pki("apiserver.key")),
        format!("--client-ca-file={}", pki("ca.crt")),
        format!("--service-account-key-file={}", pki("service-account.pub")),
        format!("--service-account-signing-key-file={}", pki("service-account.key")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged=true".to_owned(),
        format!("--kubelet-client-certificate={}", pki("admin.crt")),
        format!("--kubelet-client-key={}", pki("admin.key")),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        format!("--requestheader-client-ca-file={}", pki("ca.crt")),
        format!("--proxy-client-cert-file={}", pki("front-proxy.crt")),
        format!("--proxy-client-key-file={}", pki("front-proxy.key")),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        format!("--audit-policy-file={}", plan.audit_policy().display()),
        format!("--audit-log-path={}", plan.audit_log().display()),
        // No kube-proxy runs beside it: it must reach webhooks by their endpoints.
        "--enable-aggregator-routing=true".to_owned(),
    ];
    if plan.tier == Tier::Light {
        flags.push("--bind-address=127.0.0.1".to_owned());
        // An endpoint on loopback is refused; nothing here uses the `kubernetes` Service.
        flags.push("--endpoint-reconciler-type=none".to_owned());
    }
    flags.extend(plan.apiserver_flags.iter().cloned());
    flags
}

fn controller_manager_flags(plan: &Plan) -> Vec<String> {
    let mut flags = component_flags(plan, "controller-manager");
    flags.extend([
        format!("--secure-port={}", plan.ports().controller_manager),
        format!(
            "--service-account-private-key-file={}",
            plan.pki().join("service-account.key").display()
        ),
        format!("--root-ca-file={}", plan.pki().join(PODS_AUTHORITIES).display()),
        "--use-service-account-credentials".to_owned(),
    ]);
    if plan.tier == Tier::Light {
        // The pretended node has no kubelet that renews its Lease.
        flags.push("--controllers=*,-node-lifecycle-controller".to_owned());
        // It makes a service account for each controller: at the default rate that takes 5 s.
        // The full tier keeps the default, so that its figures are like a real cluster's.
        flags.push("--kube-api-qps=200".to_owned());
        flags.push("--kube-api-burst=400".to_owned());
    }
    flags
}

fn scheduler_flags(plan: &Plan) -> Vec<String> {
    component_flags(plan, "scheduler")
}

fn component_flags(plan: &Plan, user: &str) -> Vec<String> {
    let kubeconfig = plan.kubeconfig(user).display().to_string();
    vec![
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        "--bind-address=127.0.0.1".to_owned(),
        // There is one of each.
        "--leader-elect=false".to_owned(),
    ]
}

/// What service accounts ask, without its contents. A watch is told of when it begins.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: [system:serviceaccounts]
  - level: None
";

/// It takes some 5 s on two idle cores.
const APISERVER_PATIENCE: Duration = Duration::from_secs(90);
