//! A cluster that is restored as a backup tool does it, without its status and beside an old copy of
//! its Lease, and one that is made again beside the orphans of the first: never two Geese, and one
//! within two leases of the first member that can lead.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::DuckGooseCluster;
use api::status::{condition, reconciled};
use history::LeaseState;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Resource;
use kube::api::PostParams;
use observer::Seen;
use stage::{Pond, Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let wanted = Wanted::pods(2);
    let (pond, _) = stage.pond(&wanted).await?;
    let backup = Backup::of(stage).await?;
    let old = pods_so_far(&pond);

    stage.kubectl("delete dgc pond --cascade=foreground --timeout=60s").await?;
    // The operator makes a Lease as soon as there is a cluster, so the copy comes first.
    stage.all().create(&PostParams::default(), &backup.lease).await?;
    stage.all().create(&PostParams::default(), &backup.cluster).await?;
    let waited = led_anew(&pond, &old, wanted.lease).await?;
    stage.figure("restored beside an old Lease, led after", waited);

    made_again_beside_orphans(stage, &pond, &backup, wanted.lease).await?;
    pond.judge()?;
    Ok(())
}

/// What a backup tool keeps.
struct Backup {
    cluster: DuckGooseCluster,
    lease: Lease,
}

impl Backup {
    async fn of(stage: &Stage) -> Result<Self> {
        let mut cluster: DuckGooseCluster = stage.all().get("pond").await?;
        let mut lease: Lease = stage.all().get("pond").await?;
        cluster.status = None;
        forget_the_moment(&mut cluster);
        forget_the_moment(&mut lease);
        Ok(Self { cluster, lease })
    }
}

/// The API server gives these anew. Owners are kept, as backup tools keep them: of a uid that is no more.
fn forget_the_moment(object: &mut impl Resource) {
    let metadata = object.meta_mut();
    metadata.uid = None;
    metadata.resource_version = None;
    metadata.managed_fields = None;
}

/// Uids of the pods that there have been so far.
fn pods_so_far(pond: &Pond<'_>) -> HashSet<Arc<str>> {
    let members =
        |seen: &Seen| seen.history.answers.iter().map(|answer| answer.member.clone()).collect();
    pond.observer.look(members)
}

/// Waits until all is well again, and says how long it was from the first answer of a pod that is not one
/// of these until there was a Goose.
async fn led_anew(pond: &Pond<'_>, old: &HashSet<Arc<str>>, lease: Duration) -> Result<Duration> {
    let new_one_leads = |seen: &Seen| seen.goose().filter(|goose| !old.contains(&goose.uid));
    let goose =
        pond.observer.until("a new pod as the Goose", stage::pond::SETTLING, new_one_leads).await?;
    pond.settled(2).await?;
    let first = pond.observer.look(|seen| {
        let new = seen.history.answers.iter().filter(|answer| !old.contains(&answer.member));
        new.map(|answer| answer.asked).min()
    });
    let waited = goose.at - first.context("wanted an answer of the new set")?;
    ensure!(waited <= 2 * lease, "wanted a Goose within two leases, found {waited:?}");
    Ok(waited)
}

/// As docs/how-to/restore.md says: the old pods go on and are reported, and go when they are deleted.
async fn made_again_beside_orphans(
    stage: &Stage,
    pond: &Pond<'_>,
    backup: &Backup,
    lease: Duration,
) -> Result<()> {
    let goose = pond.settled(2).await?;
    stage.kubectl("delete dgc pond --cascade=orphan --timeout=60s").await?;
    stage.all().create(&PostParams::default(), &backup.cluster).await?;
    pond.condition(condition::RECONCILED, "False", reconciled::NAME_TAKEN).await?;
    let held = pond.observer.look(|seen| seen.lease().map(|lease| lease.state.clone()));
    ensure!(
        matches!(held, Some(LeaseState::Held { term, .. }) if term == goose.term),
        "wanted {goose:?} to go on, found {held:?}"
    );

    let old = pods_so_far(pond);
    stage.kubectl(DELETE_ORPHANS).await?;
    let waited = led_anew(pond, &old, lease).await?;
    stage.figure("made again beside orphans, led after", waited);
    pond.condition(condition::RECONCILED, "True", reconciled::UP_TO_DATE).await.map(drop)
}

const DELETE_ORPHANS: &str = "delete statefulset,service,serviceaccount,role,rolebinding,\
    poddisruptionbudget,endpointslice --selector=duckduckgoose.dev/cluster=pond \
    --cascade=foreground --timeout=60s";
