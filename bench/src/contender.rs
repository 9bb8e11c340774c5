//! Who is measured.

use std::fmt;
use std::time::Duration;

/// An election, with how long its lease lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Whose election it is.
    pub kind: Kind,
    /// How long a lease lasts. All else follows from it, in the proportions of each one's defaults.
    pub lease: Duration,
}

/// An implementation of leader election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// This project's.
    Ours,
    /// `k8s.io/client-go/tools/leaderelection`.
    ClientGo,
    /// The crate `kubert`, its `LeaseManager`.
    Kubert,
    /// The crate `kube-leader-election`, its `LeaseLock`.
    KubeLeaderElection,
}

impl Contender {
    /// All of them, ours first. Each at our default lease of 6 s; client-go also at its own default of 15 s,
    /// and ours at the same.
    pub const ALL: [Self; 6] = [
        Self::new(Kind::Ours, 6),
        Self::new(Kind::Ours, 15),
        Self::new(Kind::ClientGo, 6),
        Self::new(Kind::ClientGo, 15),
        Self::new(Kind::Kubert, 6),
        Self::new(Kind::KubeLeaderElection, 6),
    ];

    /// A contender whose lease lasts so many seconds.
    pub const fn new(kind: Kind, seconds: u64) -> Self {
        Self { kind, lease: Duration::from_secs(seconds) }
    }

    /// Whether it is this project's.
    pub fn is_ours(&self) -> bool {
        self.kind == Kind::Ours
    }

    /// A name for objects of Kubernetes, such as `client-go-15`.
    pub fn slug(&self) -> String {
        format!("{}-{}", self.kind.slug(), self.lease.as_secs())
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ours, Self::ClientGo, Self::Kubert, Self::KubeLeaderElection];

    /// A name for files and objects.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::ClientGo => "client-go",
            Self::Kubert => "kubert",
            Self::KubeLeaderElection => "kube-leader-election",
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} s", self.kind.slug(), self.lease.as_secs())
    }
}
