//! The faults that there are: what each does, and how soon there must be a Goose after it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// One kind of fault.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "`Fault::what` says it")]
pub enum Fault {
    Killed,
    AllKilled,
    CrashLooping,
    Frozen,
    Paused,
    Throttled,
    NodeCut,
    NodeDeaf,
    NodeMute,
    NodeFlapping,
    BlackHole,
    AnswersDelayed,
    ApiKilled,
    ApiFrozen,
    ApiRestarted,
    TokensRotated,
    AuthorityRotated,
    TooManyRequests,
    WritesFail,
    WritesDenied,
    GreedyTenant,
    GreedUnschemed,
    EtcdKilled,
    EtcdMemberKilled,
    EtcdLeaderKilled,
    EtcdSlow,
    LeaseDeleted,
    MirrorEdited,
    RecordEdited,
    RecordGarbled,
    LeaseRestored,
    LeaseMadeAnew,
    PodDeleted,
    PodForceDeleted,
    OperatorAbsent,
    OperatorFrozen,
    HandOvers,
    ScaleStorm,
    Rollout,
}

/// What a fault lays hands on. Two of one kind would undo each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Realm {
    /// One member's processes.
    Process,
    /// One node's network, or one pod's.
    Network,
    /// The API server and its store.
    Server,
    /// The Lease.
    Lease,
    /// One pod, as an object.
    Pod,
    /// The operator.
    Operator,
    /// What a user wants of the cluster.
    Wish,
}

impl Fault {
    /// All that can be done to a cluster whose etcd has so many members.
    pub fn possible(etcd_members: usize) -> Vec<Self> {
        let all = Self::VARIANTS.iter().copied();
        all.filter(|fault| fault.least_etcd_members() <= etcd_members).collect()
    }

    /// What it does, for people.
    pub fn what(self) -> &'static str {
        match self {
            Self::Killed => "the sidecar's process is killed",
            Self::AllKilled => "all containers of the pod are killed",
            Self::CrashLooping => "the sidecar is killed whenever it runs",
            Self::Frozen => {
                "the sidecar's process is stopped (SIGSTOP), then woken under 1 kHz of questions"
            }
            Self::Paused => {
                "the container is frozen by its cgroup, then woken under 1 kHz of questions"
            }
            Self::Throttled => "the sidecar gets 1 % of a processor",
            Self::NodeCut => "the node is cut off",
            Self::NodeDeaf => "nothing reaches the node; what it says goes out",
            Self::NodeMute => "nothing leaves the node; it hears everything",
            Self::NodeFlapping => "the node is cut off and healed, each for half a second",
            Self::BlackHole => "the pod's connections stay open, and nothing passes",
            Self::AnswersDelayed => "the API server's answers come just before each time-out",
            Self::ApiKilled => "the API server is killed, and started later",
            Self::ApiFrozen => "the API server is stopped (SIGSTOP), connections open",
            Self::ApiRestarted => "the API server is stopped properly and started at once",
            Self::TokensRotated => {
                "tokens are signed with another key, and those of before refused"
            }
            Self::AuthorityRotated => {
                "the API server's certificate is of another authority, after all were told"
            }
            Self::TooManyRequests => "the API server answers the sidecars with 429",
            Self::WritesFail => "writes of the Lease fail with 500",
            Self::WritesDenied => "writes of one pod are denied; it reads and watches",
            Self::GreedyTenant => "another user fills the API server with 600 calls that wait",
            Self::GreedUnschemed => "the same, without the chart's FlowSchema",
            Self::EtcdKilled => "etcd is killed, and started later",
            Self::EtcdMemberKilled => "one of three members of etcd is killed, not the leader",
            Self::EtcdLeaderKilled => "the leader of three members of etcd is killed",
            Self::EtcdSlow => "etcd runs 50 ms in each quarter of a second",
            Self::LeaseDeleted => "the Lease is deleted",
            Self::MirrorEdited => "a field of the Lease's spec is edited by hand",
            Self::RecordEdited => "the Lease's record is edited by hand: holder, term, duration",
            Self::RecordGarbled => "the Lease's record or stamp is garbage, or gone",
            Self::LeaseRestored => {
                "an old copy of the Lease, held or released, is put in its place"
            }
            Self::LeaseMadeAnew => "the Lease is deleted and made anew from an old copy",
            Self::PodDeleted => "the pod is deleted",
            Self::PodForceDeleted => {
                "the node is cut off and the pod deleted by force: its process lives on"
            }
            Self::OperatorAbsent => "no operator runs",
            Self::OperatorFrozen => {
                "the working operator is stopped, and wakes beside its successor"
            }
            Self::HandOvers => "the Goose is told to hand over, again and again",
            Self::ScaleStorm => "the set is scaled again and again",
            Self::Rollout => "every pod is replaced",
        }
    }

    /// What it lays hands on.
    pub fn realm(self) -> Realm {
        match self {
            Self::Killed
            | Self::AllKilled
            | Self::CrashLooping
            | Self::Frozen
            | Self::Paused
            | Self::Throttled => Realm::Process,
            Self::NodeCut
            | Self::NodeDeaf
            | Self::NodeMute
            | Self::NodeFlapping
            | Self::BlackHole
            | Self::PodForceDeleted => Realm::Network,
            Self::AnswersDelayed
            | Self::ApiKilled
            | Self::ApiFrozen
            | Self::ApiRestarted
            | Self::TokensRotated
            | Self::AuthorityRotated
            | Self::TooManyRequests
            | Self::WritesFail
            | Self::WritesDenied
            | Self::GreedyTenant
            | Self::GreedUnschemed
            | Self::EtcdKilled
            | Self::EtcdMemberKilled
            | Self::EtcdLeaderKilled
            | Self::EtcdSlow => Realm::Server,
            Self::LeaseDeleted
            | Self::MirrorEdited
            | Self::RecordEdited
            | Self::RecordGarbled
            | Self::LeaseRestored
            | Self::LeaseMadeAnew => Realm::Lease,
            Self::PodDeleted => Realm::Pod,
            Self::OperatorAbsent | Self::OperatorFrozen => Realm::Operator,
            Self::HandOvers | Self::ScaleStorm | Self::Rollout => Realm::Wish,
        }
    }

    /// How many members etcd must have so that the others go on without the one that is hit.
    pub fn least_etcd_members(self) -> usize {
        match self {
            Self::EtcdMemberKilled | Self::EtcdLeaderKilled => 3,
            _ => 1,
        }
    }

    /// Whether it is over when it is done: nothing has to be healed.
    pub fn is_instant(self) -> bool {
        match self.realm() {
            Realm::Lease | Realm::Pod => true,
            _ => matches!(
                self,
                Self::Killed
                    | Self::AllKilled
                    | Self::ApiRestarted
                    | Self::TokensRotated
                    | Self::AuthorityRotated
            ),
        }
    }

    /// About how long it takes to be done, beside what it lasts.
    pub fn takes(self) -> Duration {
        match self {
            // The API server starts twice, and the operator believes its old credentials for a while.
            Self::TokensRotated | Self::AuthorityRotated => Duration::from_secs(60),
            _ => Duration::ZERO,
        }
    }

    /// Whether it is aimed at one member, so that the Goose may be spared.
    pub fn is_aimed(self) -> bool {
        let of_a_pod = matches!(
            self,
            Self::BlackHole | Self::WritesDenied | Self::PodDeleted | Self::AnswersDelayed
        );
        self.realm() == Realm::Process || of_a_pod
    }
}

/// How soon after the last of these faults was healed there must be one Goose.
///
/// One lease is waited out (rule 4), two where the Lease itself was laid hands on: one by the
/// members, one for the quarantine (rule 6). The rest is how long it may take until the waiting
/// begins.
pub fn bound(faults: &[Fault], lease: Duration) -> Duration {
    let has = |realm| faults.iter().any(|fault| fault.realm() == realm);
    let leases = if has(Realm::Lease) { 2 } else { 1 };
    let mut bound = lease * leases + SLACK;
    if has(Realm::Server) || has(Realm::Network) {
        bound += LONGEST_PAUSE;
    }
    let may_lack_an_operator =
        [Realm::Server, Realm::Network, Realm::Operator].into_iter().any(has);
    if has(Realm::Lease) && may_lack_an_operator {
        bound += OPERATOR_TAKES_OVER;
    }
    if has(Realm::Wish) {
        bound += PODS_START;
    }
    bound
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::VARIANTS.iter().find(|fault| fault.to_string() == text);
        found
            .copied()
            .ok_or_else(|| format!("wanted a fault of `cargo xtask chaos --list`, found `{text}`"))
    }
}

/// For two processors that also run the API server, etcd and three nodes.
const SLACK: Duration = Duration::from_secs(3);

/// The longest that a member waits before it tries to reach the API server again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A Lease that lacks its stamp waits for an operator: for the lease of that one's own election, and
/// for its first pass.
const OPERATOR_TAKES_OVER: Duration = Duration::from_secs(15);

/// Where pods were taken away, others start first.
const PODS_START: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_back_from_its_name() {
        for fault in Fault::VARIANTS {
            assert_eq!(fault.to_string().parse(), Ok(*fault));
        }
        assert!("node-on-fire".parse::<Fault>().is_err());
    }

    #[test]
    fn a_member_of_etcd_is_lost_only_where_others_go_on() {
        let of_three = [Fault::EtcdMemberKilled, Fault::EtcdLeaderKilled];
        let one: Vec<_> = Fault::possible(1);
        assert!(of_three.iter().all(|fault| !one.contains(fault)));
        assert_eq!(one.len() + of_three.len(), Fault::VARIANTS.len());
        assert_eq!(Fault::possible(3), Fault::VARIANTS);
    }

    #[test]
    fn two_leases_are_waited_out_only_where_the_lease_was_touched() {
        let lease = Duration::from_secs(3);
        assert_eq!(bound(&[Fault::Killed], lease), lease + SLACK);
        assert_eq!(bound(&[Fault::Killed, Fault::LeaseDeleted], lease), lease * 2 + SLACK);
    }
}
