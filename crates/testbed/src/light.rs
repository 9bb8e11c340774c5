//! Bring-up of the light tier.

use crate::control_plane;
use crate::error::Error;
use crate::etcd;
use crate::kubeconfig;
use crate::pki;
use crate::plan::Plan;
use crate::programs::Programs;
use crate::steps::Steps;

pub(crate) async fn bring_up(plan: &Plan, programs: &Programs, steps: &Steps) -> Result<(), Error> {
    steps.run("make keys and certificates", async { pki::make(plan) }).await?;
    steps.run("write kubeconfigs", async { kubeconfig::write_all(plan) }).await?;
    steps.run("start etcd", async { etcd::start(plan, programs) }).await?;
    steps.run("start the API server", control_plane::start_apiserver(plan, programs)).await?;
    steps
        .run("start the controller manager", async {
            control_plane::start_controller_manager(plan, programs)
        })
        .await?;
    steps
        .run("wait for the first service account", control_plane::service_accounts_ready(plan))
        .await
}
