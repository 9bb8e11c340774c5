//! What can be told of this pod at this moment.

use std::sync::Arc;
use std::time::Duration;

use api::names::{DUCK, GOOSE};
use election::driver::{Elector, Settings, jitter};
use election::member::{Config, Reason, Role};
use election::timing::Timing;
use serde::Serialize;

#[cfg(feature = "mutations")]
use crate::altered::join;
use crate::environment::Membership;
use crate::workload::Workload;

/// Whoever can be asked for the role. Each answer is worked out when it is
/// asked for (rule 2).
pub trait Answers: Send + Sync + 'static {
    /// The role, and what is known of the others.
    fn answer(&self) -> Answer;
    /// Promises that the role stays for so long from now (rule 11); whether it did.
    fn promise(&self, hold: Duration) -> bool;
    /// The longest that can be promised.
    fn longest_hold(&self) -> Duration;
    /// Gives the role up: a Duck when this returns.
    fn hand_over(&self);
    /// Whether the process works; nothing else is meant by it.
    fn alive(&self) -> Result<(), String>;
    /// Whether the Lease was ever read, or why not. Not the role, which would
    /// block rolling updates, nor the API server's health, which would take
    /// every pod out of service.
    fn ready(&self) -> Result<(), String>;
}

/// Whether this process takes part in the election.
pub enum Standing {
    /// It does.
    Member {
        /// The election's handle.
        elector: Elector,
        /// What it says of itself in each answer.
        introduction: Introduction,
        /// What the workload beside it has said.
        workload: Arc<Workload>,
    },
    /// It was not told who it is, and so it is a Duck.
    Outside {
        /// What it was not told.
        why: String,
    },
}

/// What a member says of itself, whatever its role.
#[derive(Clone, Debug, Serialize)]
pub struct Introduction {
    /// Name of the pod.
    pub pod: String,
    /// Name of the cluster.
    pub cluster: String,
    /// Namespace of the cluster.
    pub namespace: String,
}

#[cfg(not(feature = "mutations"))]
fn join(settings: Settings) -> Elector {
    Elector::join(settings)
}

/// The body of `/role`. What is not known is left out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `goose` or `duck`.
    pub role: &'static str,
    /// Who answers.
    #[serde(flatten)]
    pub introduction: Option<Introduction>,
    /// Name of the pod that leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goose: Option<String>,
    /// The fencing token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// How long ago the Lease was heard of, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_ms_ago: Option<u64>,
    /// Why things are not as one would expect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in one word, for metrics.
    #[serde(skip)]
    pub obstacle: Option<&'static str>,
}

impl Standing {
    /// Joins the election.
    pub fn join(member: &Membership) -> Standing {
        let elector = join(Settings {
            namespace: member.namespace.clone(),
            lease: member.cluster.clone(),
            member: Config {
                me: member.incarnation.clone(),
                timing: Timing::default(),
                jitter: jitter(),
            },
        });
        let introduction = Introduction {
            pod: member.incarnation.pod().to_owned(),
            cluster: member.cluster.clone(),
            namespace: member.namespace.clone(),
        };
        let workload = Arc::new(Workload::new(member.hooks.become_goose.is_some()));
        if member.hooks.cease_goose.is_some() {
            elector.withhold_releases();
        }
        Standing::Member { elector, introduction, workload }
    }

    /// Gives up what is held, and returns when that is said or `limit` passed.
    pub async fn leave(&self, limit: Duration) {
        if let Standing::Member { elector, .. } = self
            && !elector.shut_down(limit).await
        {
            tracing::warn!("ends without having released the Lease: it will be waited out");
        }
    }
}

impl Answers for Standing {
    fn answer(&self) -> Answer {
        match self {
            Standing::Outside { why } => Answer::outside(why.clone()),
            Standing::Member { elector, introduction, workload } => {
                let trouble = elector.trouble();
                let mut view = elector.view();
                let (mut obstacle, ill) = (view.reason.as_ref().map(in_one_word), workload.ill());
                let mut ill = ill.map(|why| format!("the workload is ill: {why}"));
                if ill.is_some() {
                    obstacle = Some("workload_ill");
                }
                if let Role::Goose { term } = view.role
                    && !workload.accepts(term)
                {
                    (view.role, view.goose) = (Role::Duck, None);
                    (obstacle, ill) = (Some("becoming"), Some(BECOMING.to_owned()));
                }
                let reasons = [view.reason.map(|reason| reason.to_string()), ill, trouble];
                let reason = reasons.into_iter().flatten().collect::<Vec<_>>().join("; ");
                Answer {
                    role: if view.role == Role::Duck { DUCK } else { GOOSE },
                    introduction: Some(introduction.clone()),
                    goose: view.goose.map(|goose| goose.pod().to_owned()),
                    term: view.term,
                    seen_ms_ago: view.seen_ago.map(|ago| ago.as_millis() as u64),
                    reason: (!reason.is_empty()).then_some(reason),
                    obstacle,
                }
            }
        }
    }

    fn promise(&self, hold: Duration) -> bool {
        match self {
            Standing::Member { elector, workload, .. } => match elector.role() {
                Role::Goose { term } => workload.accepts(term) && elector.promise(hold),
                Role::Duck => false,
            },
            Standing::Outside { .. } => false,
        }
    }

    fn longest_hold(&self) -> Duration {
        match self {
            Standing::Member { elector, .. } => elector.longest_hold(),
            Standing::Outside { .. } => Duration::ZERO,
        }
    }

    fn hand_over(&self) {
        if let Standing::Member { elector, .. } = self {
            elector.hand_over();
        }
    }

    fn alive(&self) -> Result<(), String> {
        match self {
            Standing::Member { elector, .. } if !elector.is_alive() => {
                Err("the election stands still: this is a defect of the sidecar".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn ready(&self) -> Result<(), String> {
        match self {
            Standing::Member { elector, .. } if elector.has_read() => Ok(()),
            _ => Err(self.answer().reason.unwrap_or_default()),
        }
    }
}

impl Answer {
    /// The answer of one that does not take part.
    pub fn outside(why: String) -> Answer {
        Answer {
            role: DUCK,
            introduction: None,
            goose: None,
            term: None,
            seen_ms_ago: None,
            reason: Some(why),
            obstacle: Some("not_told_who_it_is"),
        }
    }

    /// Whether it is the Goose that answers.
    pub fn is_goose(&self) -> bool {
        self.role == GOOSE
    }
}

fn in_one_word(reason: &Reason) -> &'static str {
    match reason {
        Reason::NotReadYet => "not_read_yet",
        Reason::NoLease => "no_lease",
        Reason::NotStamped => "not_stamped",
        Reason::Unreadable(_) => "unreadable",
        Reason::Quarantined => "quarantined",
        Reason::CouldNotRenew => "could_not_renew",
        Reason::ClockSuspected => "clock_suspected",
        Reason::HandingOver => "handing_over",
        Reason::Released => "released",
        Reason::Paused => "paused",
        Reason::Fenced => "fenced",
        Reason::CutOff => "cut_off",
    }
}

const BECOMING: &str = "this pod has won the election, and its workload has not accepted that yet";
