//! With a member's real token, and with an administrator's: whatever would make a second Goose, or
//! lead people to the wrong one, is refused in words, and what members write in a normal life is not.
//!
//! All writes are dry runs: the API server looks at them as at any other, and the Goose goes on.

use anyhow::{Context, Result, bail, ensure};
use election::lease::{ILLNESS, PAUSED, RECORD, STAMP, SUCCESSORS, illness_to_text};
use election::record::{Incarnation, Record};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use observer::Goose;
use serde_json::{Value, json};
use stage::{Stage, Wanted};
use std::time::Duration;

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, goose) = stage.pond(&Wanted::pods(2).with_default_lease()).await?;
    let duck = if &*goose.pod == "pond-0" { "pond-1" } else { "pond-0" };
    let the_goose = Forger::member(stage, &goose.pod).await?;
    let the_duck = Forger::member(stage, duck).await?;
    let nobody = Forger { incarnation: None, client: account(stage, json!({})).await? };
    let admin = Forger { incarnation: None, client: administrator(stage).await? };

    for forgery in of_a_member() {
        the_duck.is_refused(stage, &forgery).await?;
    }
    for forgery in of_the_goose() {
        the_goose.is_refused(stage, &forgery).await?;
    }
    for forger in [&nobody, &admin] {
        for forgery in of_who_is_no_pod() {
            forger.is_refused(stage, &forgery).await?;
        }
    }
    admin.may_not_make_or_delete(stage).await?;
    admin.may_not_label(stage, &goose).await?;

    the_goose.may(stage, "renew", |record, _, _| record.attempt += 1).await?;
    the_goose.may(stage, "release", release).await?;
    the_duck.may(stage, "take over", take).await?;
    pond.judge()?;
    Ok(())
}

/// Somebody with a token, who is an incarnation of a pod or not.
struct Forger {
    incarnation: Option<Incarnation>,
    client: Client,
}

/// What is done to the record (and other annotations) of a Lease, by whom, at which version of it.
type Change = fn(&mut Record, &mut Lease, &Incarnation);

struct Forgery {
    what: &'static str,
    change: Change,
    says: &'static str,
}

impl Forgery {
    fn new(what: &'static str, says: &'static str, change: Change) -> Self {
        Self { what, change, says }
    }
}

fn of_a_member() -> Vec<Forgery> {
    let mut forgeries = of_who_is_no_pod();
    forgeries.extend([
        Forgery::new(
            "takes in a term that is not the version taken",
            "which is the version that it replaces",
            |record, lease, me| {
                take(record, lease, me);
                record.term += 1;
            },
        ),
        Forgery::new("takes in the term of another", "or a taking in term", |record, _, me| {
            record.holder = Some(me.clone());
        }),
        Forgery::new(
            "takes for less than the lease",
            "the duration of this Lease",
            |record, lease, me| {
                take(record, lease, me);
                record.duration = Duration::from_secs(1);
            },
        ),
    ]);
    forgeries
}

fn of_the_goose() -> Vec<Forgery> {
    vec![
        Forgery::new("does not count its attempt", "wanted the next attempt", |record, _, _| {
            record.hold = Duration::from_secs(1);
        }),
        Forgery::new("goes back to an older term", "wanted the next attempt", |record, _, _| {
            record.term -= 1;
            record.attempt += 1;
        }),
        Forgery::new("releases another term", "and in the term that it is held", |record, _, _| {
            record.holder = None;
            record.released = true;
            record.term -= 1;
        }),
    ]
}

/// What nobody may who is not the operator, nor the Goose.
fn of_who_is_no_pod() -> Vec<Forgery> {
    vec![
        Forgery::new(
            "releases in the name of the Goose",
            "only its holder, or the operator",
            release,
        ),
        Forgery::new(
            "renews in the name of the Goose",
            "only the pod that it names",
            |record, _, _| {
                record.attempt += 1;
            },
        ),
        Forgery::new(
            "takes for an invented pod",
            "only the pod that it names",
            |record, lease, _| {
                let stranger = Incarnation::new("pond-9", "5ff5", "a1").expect("three plain parts");
                take(record, lease, &stranger);
            },
        ),
        Forgery::new("puts into quarantine", "only the operator", |record, _, _| {
            *record = Record::quarantine(record.term, record.duration);
        }),
        Forgery::new("takes the record away", "wanted a record", |_, lease, _| {
            lease.annotations_mut().remove(RECORD);
        }),
        Forgery::new("writes nonsense", "wanted a record", |_, lease, _| {
            lease.annotations_mut().insert(RECORD.to_owned(), "nonsense".to_owned());
        }),
        Forgery::new("writes a format to come", "wanted a record", |_, lease, _| {
            lease.annotations_mut().insert(RECORD.to_owned(), r#"{"format":2}"#.to_owned());
        }),
        Forgery::new("takes the stamp away", "only the operator", |_, lease, _| {
            lease.annotations_mut().remove(STAMP);
        }),
        Forgery::new("pauses", "only the operator", |_, lease, _| {
            lease.annotations_mut().insert(PAUSED.to_owned(), "true".to_owned());
        }),
        Forgery::new("names successors", "only the operator", |_, lease, _| {
            lease.annotations_mut().insert(SUCCESSORS.to_owned(), "me".to_owned());
        }),
        Forgery::new("calls the Goose ill", "only the Goose says", |record, lease, _| {
            let illness = illness_to_text(record.term, "forged");
            lease.annotations_mut().insert(ILLNESS.to_owned(), illness);
        }),
        Forgery::new("makes it another's", "says whose the Lease", |_, lease, _| {
            lease.metadata.owner_references = None;
        }),
        Forgery::new("holds up its end", "says whose the Lease", |_, lease, _| {
            lease.finalizers_mut().push("example.com/stay".to_owned());
        }),
        Forgery::new("shows people another holder", "mirrors its record", |_, lease, _| {
            lease.spec.get_or_insert_default().holder_identity = Some("pond-9".to_owned());
        }),
    ]
}

fn take(record: &mut Record, lease: &mut Lease, me: &Incarnation) {
    let version = lease.resource_version().expect("what was read has one");
    record.term = version.parse().expect("rule 7: versions are whole numbers");
    record.holder = Some(me.clone());
    record.attempt = 1;
}

fn release(record: &mut Record, _: &mut Lease, _: &Incarnation) {
    record.holder = None;
    record.released = true;
}

impl Forger {
    /// With a token of its account that is bound to it, as the kubelet mounts one.
    async fn member(stage: &Stage, pod: &str) -> Result<Self> {
        let uid = stage.all::<Pod>().get(pod).await?.uid().context("wanted a pod with a uid")?;
        let bound = json!({ "kind": "Pod", "apiVersion": "v1", "name": pod, "uid": uid });
        let client = account(stage, json!({ "boundObjectRef": bound })).await?;
        Ok(Self { incarnation: Some(Incarnation::new(pod, &uid, "forged")?), client })
    }

    async fn is_refused(&self, stage: &Stage, forgery: &Forgery) -> Result<()> {
        let what = forgery.what;
        match self.write(stage, forgery.change).await {
            Err(kube::Error::Api(status)) => ensure!(
                status.message.contains(forgery.says),
                "{what}: wanted {:?}, found {:?}",
                forgery.says,
                status.message
            ),
            other => bail!("{what}: wanted a refusal, found {other:?}"),
        }
        Ok(())
    }

    async fn may(&self, stage: &Stage, what: &str, change: Change) -> Result<()> {
        let written = self.write(stage, change).await;
        written.map(drop).with_context(|| format!("wanted a member to be able to {what}"))
    }

    /// Reads, changes and writes; again when a renewal came in between.
    async fn write(&self, stage: &Stage, change: Change) -> Result<Lease, kube::Error> {
        let theirs: Api<Lease> = Api::namespaced(self.client.clone(), &stage.namespace);
        loop {
            let mut lease = stage.all::<Lease>().get("pond").await?;
            let before = lease.annotations().get(RECORD).cloned();
            let mut record = Record::parse(before.as_deref()).expect("the Goose wrote it");
            let me = self.incarnation.clone().or_else(|| record.holder.clone());
            // A member of the same incarnation as the Goose is the Goose.
            let me = me.map(|me| own(&record, me)).expect("somebody holds it");
            change(&mut record, &mut lease, &me);
            let touched = lease.annotations().get(RECORD) != before.as_ref();
            if !touched {
                lease.annotations_mut().insert(RECORD.to_owned(), record.to_text());
            }
            match theirs.replace("pond", &dry_run(), &lease).await {
                Err(kube::Error::Api(status)) if is_a_lost_race(&status) => {}
                written => return written,
            }
        }
    }

    async fn may_not_make_or_delete(&self, stage: &Stage) -> Result<()> {
        let theirs: Api<Lease> = Api::namespaced(self.client.clone(), &stage.namespace);
        let delete = DeleteParams { dry_run: true, ..DeleteParams::default() };
        says("only the operator", theirs.delete("pond", &delete).await)?;
        let mut copy = stage.all::<Lease>().get("pond").await?;
        copy.metadata.resource_version = None;
        copy.metadata.name = Some("another".to_owned());
        says("only the operator", theirs.create(&dry_run(), &copy).await)
    }

    async fn may_not_label(&self, stage: &Stage, goose: &Goose) -> Result<()> {
        let theirs: Api<Pod> = Api::namespaced(self.client.clone(), &stage.namespace);
        let duck = Patch::Merge(json!({ "metadata": { "labels": { ROLE: "duck" } } }));
        let patch = PatchParams { dry_run: true, ..PatchParams::default() };
        says("only the operator", theirs.patch(&goose.pod, &patch, &duck).await)?;
        says("only the operator", theirs.patch_status(&goose.pod, &patch, &duck).await)?;
        let mut pod = theirs.get(&goose.pod).await?;
        pod.metadata.resource_version = None;
        pod.metadata.name = Some("another".to_owned());
        says("only the operator", theirs.create(&dry_run(), &pod).await)
    }
}

fn own(record: &Record, me: Incarnation) -> Incarnation {
    match &record.holder {
        Some(holder) if holder.pod_uid() == me.pod_uid() => holder.clone(),
        _ => me,
    }
}

/// A conflict is no refusal: somebody else wrote first.
fn is_a_lost_race(status: &kube::core::Status) -> bool {
    status.is_conflict()
}

fn says<T: std::fmt::Debug>(wanted: &str, done: Result<T, kube::Error>) -> Result<()> {
    match done {
        Err(kube::Error::Api(status)) if status.message.contains(wanted) => Ok(()),
        other => bail!("wanted a refusal that says {wanted:?}, found {other:?}"),
    }
}

fn dry_run() -> PostParams {
    PostParams { dry_run: true, ..PostParams::default() }
}

/// A client with a new token of the members' account.
async fn account(stage: &Stage, spec: Value) -> Result<Client> {
    let mut spec = spec;
    spec["audiences"] = json!([]);
    let request: TokenRequest = serde_json::from_value(json!({ "spec": spec }))?;
    let accounts = stage.all::<ServiceAccount>();
    let answer = accounts.create_token_request(ACCOUNT, &PostParams::default(), &request).await?;
    let token = answer.status.context("wanted a token")?.token;
    client_as(stage, json!({ "token": token })).await
}

/// Somebody who may do everything in the namespace by RBAC, but is not one whom the installation
/// trusts.
async fn administrator(stage: &Stage) -> Result<Client> {
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": { "name": "administrator" },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin",
        },
        "subjects": [{
            "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": ADMINISTRATOR,
        }],
    }))?;
    stage.all::<RoleBinding>().create(&PostParams::default(), &binding).await?;
    let kubeconfig = Kubeconfig::read_from(stage.cluster().kubeconfig())?;
    let admin = kubeconfig.auth_infos.first().and_then(|named| named.auth_info.clone());
    let mut admin = serde_json::to_value(admin.context("wanted an administrator")?)?;
    admin["as"] = json!(ADMINISTRATOR);
    client_as(stage, admin).await
}

async fn client_as(stage: &Stage, user: Value) -> Result<Client> {
    let mut kubeconfig = Kubeconfig::read_from(stage.cluster().kubeconfig())?;
    for named in &mut kubeconfig.auth_infos {
        named.auth_info = Some(serde_json::from_value(user.clone())?);
    }
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

const ACCOUNT: &str = "pond-duckgoose";

const ADMINISTRATOR: &str = "somebody-else";

const ROLE: &str = api::names::ROLE_LABEL;
