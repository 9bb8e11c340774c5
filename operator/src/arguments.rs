//! The command line; each argument can also be given in the environment.

use std::net::SocketAddr;

use api::names::operator_env::{
    LOG_FORMAT, LOG_LEVEL, MAX_SIDECAR_UPGRADES, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE,
    OPERATOR_POD, OPERATOR_POD_UID, OTLP_ENDPOINT, SIDECAR_IMAGE, SIDECAR_PULL_POLICY,
    WATCH_NAMESPACE,
};
use clap::Parser;
use clap::builder::PossibleValuesParser;
use tracing::Level;

use crate::decide::own_lease;
use crate::decide::sidecar::SidecarImage;
use crate::leadership::OwnPod;
use crate::own_lease::OwnLease;
use crate::stores::Scope;
use crate::telemetry::LogFormat;

/// Keeps DuckGooseClusters: their pods, their Lease, the label of the Goose, their status.
///
/// Speaks to the API server of the cluster that it runs in, else to that of the kubeconfig.
#[derive(Parser, Debug)]
#[command(name = "duckgoose-operator", version)]
pub struct Arguments {
    /// Image of the sidecar that is put into each pod, as a full reference
    #[arg(long, env = SIDECAR_IMAGE, value_name = "IMAGE")]
    sidecar_image: String,

    /// When the sidecar's image is pulled [default: left to Kubernetes]
    #[arg(long, env = SIDECAR_PULL_POLICY, value_name = "POLICY",
          value_parser = PossibleValuesParser::new(["Always", "IfNotPresent", "Never", ""]),
          default_value = "", hide_default_value = true)]
    sidecar_pull_policy: String,

    /// How many clusters take a new sidecar at the same time; 0: each when it is changed or annotated
    #[arg(long, env = MAX_SIDECAR_UPGRADES, value_name = "CLUSTERS", default_value_t = 1)]
    pub max_sidecar_upgrades: usize,

    /// The one namespace to work in [default: all]
    #[arg(
        long,
        env = WATCH_NAMESPACE,
        value_name = "NAMESPACE",
        default_value = "",
        hide_default_value = true
    )]
    watch_namespace: String,

    /// Namespace of the operator's own pod
    #[arg(long, env = OPERATOR_NAMESPACE, value_name = "NAMESPACE")]
    own_namespace: Option<String>,

    /// Name of the operator's own pod, to be elected among several [default: no election]
    #[arg(long, env = OPERATOR_POD, value_name = "POD",
          requires_all = ["own_namespace", "own_pod_uid", "own_account"])]
    own_pod: Option<String>,

    /// `metadata.uid` of the operator's own pod
    #[arg(long, env = OPERATOR_POD_UID, value_name = "UID")]
    own_pod_uid: Option<String>,

    /// ServiceAccount of the operator's own pod
    #[arg(long, env = OPERATOR_ACCOUNT, value_name = "NAME")]
    own_account: Option<String>,

    /// Where to answer GET /livez and /readyz
    #[arg(
        long,
        env = "DUCKGOOSE_HEALTH_LISTEN",
        value_name = "ADDRESS",
        default_value = "[::]:8080"
    )]
    pub listen: SocketAddr,

    /// The least urgent level to log: error, warn, info, debug or trace
    #[arg(long, env = LOG_LEVEL, value_name = "LEVEL", default_value = "info")]
    pub log_level: Level,

    /// How to log
    #[arg(long, env = LOG_FORMAT, value_name = "FORMAT", default_value = "json")]
    pub log_format: LogFormat,

    /// Collector to send traces to, as OTLP over HTTP without TLS, such as http://collector:4318
    /// [default: none]
    #[arg(
        long,
        env = OTLP_ENDPOINT,
        value_name = "URL",
        default_value = "",
        hide_default_value = true
    )]
    otlp_endpoint: String,
}

impl Arguments {
    /// The image of the sidecar.
    pub fn sidecar_image(&self) -> SidecarImage {
        SidecarImage {
            reference: self.sidecar_image.clone(),
            pull_policy: given(&self.sidecar_pull_policy),
        }
    }

    /// The pod that this process runs in, if it was told so.
    pub fn own_pod(&self) -> Option<OwnPod> {
        Some(OwnPod {
            name: self.own_pod.clone()?,
            uid: self.own_pod_uid.clone()?,
            lease: OwnLease {
                name: own_lease::name(&self.scope()),
                namespace: self.own_namespace.clone()?,
                account: self.own_account.clone()?,
            },
        })
    }

    /// Address of the collector of traces, if one was given.
    pub fn otlp_endpoint(&self) -> Option<String> {
        given(&self.otlp_endpoint)
    }

    /// The namespaces to work in.
    pub fn scope(&self) -> Scope {
        given(&self.watch_namespace).map_or(Scope::AllNamespaces, Scope::Namespace)
    }
}

/// An empty value is how a chart leaves a value out.
fn given(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_is_left_empty_is_not_given() {
        let arguments = ["duckgoose-operator", "--sidecar-image", "sidecar:1"];
        let arguments = Arguments::try_parse_from(arguments).unwrap();
        assert_eq!(arguments.scope(), Scope::AllNamespaces);
        assert_eq!(arguments.sidecar_image().pull_policy, None);
    }
}
