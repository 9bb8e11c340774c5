//! The whole life of a cluster with played pods, act by act: made, scaled out, updated, handed over,
//! scaled in, deleted.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use api::DuckGooseCluster;
use api::names::HANDOVER_ANNOTATION;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::births::Births;
use crate::eventually;
use crate::interposed::Interposed;
use crate::interposer::Mischief;
use crate::pond::Wanted;
use crate::snapshot::{Snapshot, difference, led_as, objects, snapshot};

/// One act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The cluster is made, of three pods.
    Make,
    /// It is scaled to five.
    ScaleOut,
    /// Its template changes.
    Update,
    /// Its last pod is to be Goose.
    HandOver,
    /// It is scaled to two.
    ScaleIn,
    /// It is deleted.
    Delete,
}

impl Act {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Make, Self::ScaleOut, Self::Update, Self::HandOver, Self::ScaleIn, Self::Delete];
}

/// A namespace with one life in it.
pub struct Life {
    /// Its name.
    pub namespace: String,
    /// How often each object of it was made.
    pub births: Births,
    client: Client,
}

impl Life {
    /// A namespace for it.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub async fn begin(client: &Client) -> Result<Self> {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace = serde_json::from_value(json!({ "metadata": { "generateName": "life-" } }))?;
        let namespace = namespaces.create(&PostParams::default(), &namespace).await?.name_any();
        let births = Births::count(client, &namespace);
        Ok(Self { namespace, births, client: client.clone() })
    }

    /// What a user does in this act.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn play(&self, act: Act) -> Result<()> {
        let clusters = self.all::<DuckGooseCluster>();
        match act {
            Act::Make => {
                let object = serde_json::from_value(Wanted::pods(3).object())?;
                clusters.create(&PostParams::default(), &object).await?;
            }
            Act::ScaleOut => self.patch(json!({ "spec": { "replicas": 5 } })).await?,
            Act::Update => {
                let labels = json!({ "labels": { "version": "2" } });
                self.patch(json!({ "spec": { "template": { "metadata": labels } } })).await?;
            }
            Act::HandOver => {
                let annotations = json!({ HANDOVER_ANNOTATION: "pond-4" });
                self.patch(json!({ "metadata": { "annotations": annotations } })).await?;
            }
            Act::ScaleIn => self.patch(json!({ "spec": { "replicas": 2 } })).await?,
            Act::Delete => drop(clusters.delete(CLUSTER, &DeleteParams::default()).await?),
        }
        Ok(())
    }

    /// Whether that has come about, as far as users see.
    ///
    /// # Errors
    /// Where it has not, with what there is instead.
    pub async fn has_come_about(&self, act: Act) -> Result<()> {
        let found = self.all::<DuckGooseCluster>().get_opt(CLUSTER).await?;
        if act == Act::Delete {
            let left = self.snapshot().await?;
            ensure!(left.is_empty(), "there is still {:?}", objects(&left));
            return Ok(());
        }
        let status = found.context("no cluster")?.status.unwrap_or_default();
        let pods = match act {
            Act::Make => 3,
            Act::ScaleIn => 2,
            _ => 5,
        };
        ensure!(status.ready_replicas == pods, "{} pods are ready", status.ready_replicas);
        let goose = status.goose.context("nobody is Goose")?;
        match act {
            Act::Update => self.all_are_updated().await,
            Act::HandOver if goose != "pond-4" => bail!("{goose} is Goose"),
            _ => Ok(()),
        }
    }

    /// What stands now.
    ///
    /// # Errors
    /// Where it cannot be listed.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        snapshot(&self.client, &self.namespace).await
    }

    /// Takes the namespace away.
    ///
    /// # Errors
    /// Where that is refused.
    pub async fn end(self) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.namespace, &DeleteParams::default()).await?;
        Ok(())
    }

    /// What the disruption budgets say, which a snapshot leaves out.
    async fn budgets(&self) -> Result<String> {
        let budgets = self.all::<PodDisruptionBudget>().list(&ListParams::default()).await?;
        let told =
            budgets.iter().map(|budget| format!("{}: {:?}", budget.name_any(), budget.status));
        Ok(told.collect::<Vec<_>>().join("\n"))
    }

    async fn is_as_in(&self, undisturbed: &Snapshot, leader: Leader) -> Result<()> {
        let found = self.snapshot().await?;
        let difference = match leader {
            Leader::TheSame => difference(undisturbed, &found),
            Leader::Any => difference(&led_as(undisturbed, &found), &found),
        };
        ensure!(difference.is_empty(), "{difference}");
        Ok(())
    }

    async fn all_are_updated(&self) -> Result<()> {
        let pods = self.all::<Pod>().list(&ListParams::default()).await?;
        let old: Vec<_> = pods
            .iter()
            .filter(|pod| !pod.labels().contains_key("version"))
            .map(|pod| pod.name_any())
            .collect();
        ensure!(old.is_empty(), "{old:?} are not updated");
        let set = self.all::<StatefulSet>().get(CLUSTER).await?.status.unwrap_or_default();
        ensure!(set.updated_replicas == Some(5), "{:?} pods are updated", set.updated_replicas);
        Ok(())
    }

    async fn patch(&self, patch: Value) -> Result<()> {
        let clusters = self.all::<DuckGooseCluster>();
        clusters.patch(CLUSTER, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    fn all<Kind>(&self) -> Api<Kind>
    where
        Kind: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

/// Who is to lead at the end of an act that names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leader {
    /// The same pod as in a life that nobody disturbed.
    TheSame,
    /// Any: who follows is the first of those that are known to be ready, which late news hide.
    Any,
}

/// What stood after each act of a life that nobody disturbed.
#[derive(Debug)]
pub struct Undisturbed {
    after: Vec<Snapshot>,
    births: BTreeMap<String, usize>,
    /// How many writes it took the operator.
    pub writes: usize,
}

impl Undisturbed {
    /// Plays such a life.
    ///
    /// # Errors
    /// Where an act does not come about.
    pub async fn play(client: &Client) -> Result<Self> {
        let life = Life::begin(client).await?;
        let operator = Interposed::start(client, Mischief::default(), &life.namespace).await?;
        let mut after = Vec::new();
        for act in Act::ALL {
            life.play(act).await?;
            eventually(&format!("{act:?}"), PATIENCE, async || {
                life.has_come_about(act).await?;
                ensure!(operator.rests().await, "an operator that writes");
                life.has_come_about(act).await
            })
            .await?;
            after.push(life.snapshot().await?);
        }
        let births = life.births.so_far();
        life.end().await?;
        Ok(Self { after, births, writes: operator.interposer.writes().len() })
    }

    /// Plays the same life with this operator, and sees to it that the same stands after each act,
    /// and that all was made as often. `next` is to end an operator that its interposer has struck, and
    /// to start another. Tells the last one.
    ///
    /// # Errors
    /// Where that is not so.
    pub async fn is_lived_again(
        &self,
        life: &Life,
        leader: Leader,
        first: Interposed,
        mut next: impl AsyncFnMut(Interposed) -> Result<Interposed>,
    ) -> Result<Interposed> {
        let mut operator = first;
        for (act, after) in Act::ALL.iter().zip(&self.after) {
            life.play(*act).await?;
            let wanted = format!("after {act:?} what stands after it undisturbed");
            let leader = if *act == Act::HandOver { Leader::TheSame } else { leader };
            let same = eventually(&wanted, PATIENCE, async || life.is_as_in(after, leader).await);
            let mut same = pin!(same);
            loop {
                tokio::select! {
                    same = &mut same => break match same {
                        Ok(()) => (),
                        Err(error) => bail!(
                            "{error:#}\n{}\nand the budgets:\n{}",
                            operator.last_words(),
                            life.budgets().await?
                        ),
                    },
                    () = operator.interposer.struck() => {
                        operator = next(operator).await?;
                    }
                }
            }
        }
        let births = life.births.so_far();
        ensure!(births == self.births, "wanted {:?} made, found {births:?}", self.births);
        Ok(operator)
    }
}

const CLUSTER: &str = "pond";

/// For an act, on a machine that is busy with other things. An eviction that was decided on an old
/// sight of the pod fails, and Kubernetes counts it in the disruption budget for two minutes.
const PATIENCE: Duration = Duration::from_secs(180);
