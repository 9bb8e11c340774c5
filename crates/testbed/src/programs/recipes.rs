//! What is built, and how.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The Go version that the modules ask for.
pub(super) const GO_VERSION: &str = "1.26";

/// A Go module with one or more programs of the cluster in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `kubelet`, `kube-proxy` and `kubectl`.
    Kubernetes(Release),
    /// `etcd`.
    Etcd,
    /// `containerd`, its shim `containerd-shim-runc-v2`, and `ctr`.
    Containerd,
    /// `runc`.
    Runc,
    /// `helm`.
    Helm,
}

impl Program {
    pub(super) fn recipe(self) -> Recipe {
        match self {
            Self::Kubernetes(Release::Current) => KUBERNETES,
            Self::Kubernetes(Release::Oldest) => OLDEST_KUBERNETES,
            Self::Etcd => ETCD,
            Self::Containerd => CONTAINERD,
            Self::Runc => RUNC,
            Self::Helm => HELM,
        }
    }
}

/// A release of Kubernetes that the testbed builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    /// The one that everything is tested on.
    #[default]
    Current,
    /// The oldest one that the chart can be installed on.
    Oldest,
}

impl Release {
    /// Its version, such as `v1.37.2`.
    pub fn version(self) -> &'static str {
        Program::Kubernetes(self).recipe().version()
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Oldest => "oldest",
        })
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Current, Self::Oldest];
        all.into_iter()
            .find(|release| release.to_string() == text)
            .ok_or_else(|| format!("wanted `current` or `oldest`, found `{text}`"))
    }
}

pub(super) struct Recipe {
    pub name: &'static str,
    /// The module in go.mod that gives the version.
    pub module: &'static str,
    /// How long the build usually takes on two cores, for the progress line.
    pub usually: &'static str,
    /// The module's files: embedded, so that the library works without the checkout.
    pub files: &'static [(&'static str, &'static str)],
    pub targets: &'static [Target],
    /// Other names (first) of a binary (second).
    pub links: &'static [(&'static str, &'static str)],
    pub cgo: bool,
    pub tags: &'static str,
}

pub(super) struct Target {
    pub binary: &'static str,
    pub package: &'static str,
}

impl Recipe {
    /// `v1.37.2`, from go.mod.
    pub fn version(&self) -> &'static str {
        let go_mod = self.files[0].1;
        let mut lines = go_mod.lines().map(|line| line.trim_start_matches("require").trim());
        let required = lines.find_map(|line| line.strip_prefix(self.module)?.strip_prefix(' '));
        let version = required.and_then(|rest| rest.split(' ').next());
        version.unwrap_or_else(|| panic!("wanted {} in the go.mod of {}", self.module, self.name))
    }

    /// What `go build` is given besides the package.
    pub fn arguments(&self) -> Vec<String> {
        let mut linker = "-s -w".to_owned();
        if self.module == KUBERNETES.module {
            // A build without it says v0.0.0, which kubectl and the kubelet's version skew check refuse.
            let version = self.version();
            let mut numbers = version.trim_start_matches('v').split('.');
            let (major, minor) = (numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0"));
            let package = "k8s.io/component-base/version";
            linker += &format!(
                " -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
            );
        }
        let mut arguments = vec!["-ldflags".to_owned(), linker];
        if !self.tags.is_empty() {
            arguments.extend(["-tags".to_owned(), self.tags.to_owned()]);
        }
        arguments
    }

    /// The names of all programs that come out.
    pub fn binaries(&self) -> impl Iterator<Item = &'static str> {
        self.targets
            .iter()
            .map(|target| target.binary)
            .chain(self.links.iter().map(|(link, _)| *link))
    }
}

const KUBERNETES: Recipe = Recipe {
    name: "kubernetes",
    module: "k8s.io/kubernetes",
    usually: "7 min",
    files: &[
        ("go.mod", include_str!("../../programs/kubernetes/go.mod")),
        ("go.sum", include_str!("../../programs/kubernetes/go.sum")),
        ("main.go", include_str!("../../programs/kubernetes/main.go")),
    ],
    targets: &[Target { binary: "kubernetes", package: "." }],
    links: &[
        ("kube-apiserver", "kubernetes"),
        ("kube-controller-manager", "kubernetes"),
        ("kube-proxy", "kubernetes"),
        ("kube-scheduler", "kubernetes"),
        ("kubectl", "kubernetes"),
        ("kubelet", "kubernetes"),
    ],
    cgo: false,
    tags: "",
};

/// The same program from the module files of an older release.
const OLDEST_KUBERNETES: Recipe = Recipe {
    files: &[
        ("go.mod", include_str!("../../programs/kubernetes/oldest.mod")),
        ("go.sum", include_str!("../../programs/kubernetes/oldest.sum")),
        ("main.go", include_str!("../../programs/kubernetes/main.go")),
    ],
    ..KUBERNETES
};

const ETCD: Recipe = Recipe {
    name: "etcd",
    module: "go.etcd.io/etcd/server/v3",
    usually: "30 s",
    files: &[
        ("go.mod", include_str!("../../programs/etcd/go.mod")),
        ("go.sum", include_str!("../../programs/etcd/go.sum")),
    ],
    targets: &[Target { binary: "etcd", package: "go.etcd.io/etcd/server/v3" }],
    links: &[],
    cgo: false,
    tags: "",
};

const CONTAINERD: Recipe = Recipe {
    name: "containerd",
    module: "github.com/containerd/containerd/v2",
    usually: "1 min",
    files: &[
        ("go.mod", include_str!("../../programs/containerd/go.mod")),
        ("go.sum", include_str!("../../programs/containerd/go.sum")),
    ],
    targets: &[
        Target {
            binary: "containerd",
            package: "github.com/containerd/containerd/v2/cmd/containerd",
        },
        Target {
            binary: "containerd-shim-runc-v2",
            package: "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        },
        Target { binary: "ctr", package: "github.com/containerd/containerd/v2/cmd/ctr" },
    ],
    links: &[],
    cgo: false,
    tags: "",
};

const RUNC: Recipe = Recipe {
    name: "runc",
    module: "github.com/opencontainers/runc",
    usually: "10 s",
    files: &[
        ("go.mod", include_str!("../../programs/runc/go.mod")),
        ("go.sum", include_str!("../../programs/runc/go.sum")),
    ],
    targets: &[Target { binary: "runc", package: "github.com/opencontainers/runc" }],
    links: &[],
    cgo: true,
    tags: "seccomp",
};

const HELM: Recipe = Recipe {
    name: "helm",
    module: "helm.sh/helm/v4",
    usually: "1 min 45 s",
    files: &[
        ("go.mod", include_str!("../../programs/helm/go.mod")),
        ("go.sum", include_str!("../../programs/helm/go.sum")),
    ],
    targets: &[Target { binary: "helm", package: "helm.sh/helm/v4/cmd/helm" }],
    links: &[],
    cgo: false,
    tags: "",
};
