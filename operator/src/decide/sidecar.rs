//! The sidecar's container, and the token with which it speaks to the API server.

use std::collections::BTreeMap;

use api::names::{SIDECAR_CONTAINER, SIDECAR_PORT, SIDECAR_PORT_NAME, env};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapProjection, Container, ContainerPort, DownwardAPIProjection,
    DownwardAPIVolumeFile, EnvVar, EnvVarSource, ExecAction, HTTPGetAction, KeyToPath,
    ObjectFieldSelector, Probe, ProjectedVolumeSource, ResourceRequirements, SeccompProfile,
    SecurityContext, ServiceAccountTokenProjection, Volume, VolumeMount, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Which image the sidecar has, as the operator was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidecarImage {
    /// The full reference.
    pub reference: String,
    /// `imagePullPolicy`; `None` leaves it to the API server.
    pub pull_policy: Option<String>,
}

/// The native sidecar of a member of this cluster: an init container that goes on running, so that
/// it is there before the workload's containers and can release the Lease after they ended.
pub fn container(image: &SidecarImage, cluster: &str) -> Container {
    Container {
        name: SIDECAR_CONTAINER.to_owned(),
        image: Some(image.reference.clone()),
        image_pull_policy: image.pull_policy.clone(),
        restart_policy: Some("Always".to_owned()),
        env: Some(environment(cluster)),
        ports: Some(vec![ContainerPort {
            name: Some(SIDECAR_PORT_NAME.to_owned()),
            container_port: SIDECAR_PORT.into(),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        // The workload starts when the sidecar has read its Lease once: it may ask for its role
        // from its first line. Until somebody mends what keeps the sidecar from it, it is not
        // restarted hot.
        startup_probe: Some(Probe { failure_threshold: Some(600), ..probe("/readyz", 1) }),
        readiness_probe: Some(probe("/readyz", 5)),
        liveness_probe: Some(probe("/livez", 10)),
        resources: Some(ResourceRequirements {
            requests: Some(quantities([("cpu", "10m"), ("memory", "16Mi")])),
            limits: Some(quantities([("memory", "64Mi")])),
            ..ResourceRequirements::default()
        }),
        security_context: Some(restricted()),
        volume_mounts: Some(vec![VolumeMount {
            name: TOKEN_VOLUME.to_owned(),
            mount_path: "/var/run/secrets/kubernetes.io/serviceaccount".to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        }]),
        ..Container::default()
    }
}

/// Lets the sidecar listen on loopback alone. The kubelet cannot ask it there, and runs the sidecar's
/// own program beside it instead. The port stays declared: where the pod has its node's network, two of
/// them cannot share the node's loopback either.
pub fn listen_on_loopback(sidecar: &mut Container) {
    let address = format!("localhost:{SIDECAR_PORT}");
    sidecar.env.get_or_insert_default().push(EnvVar {
        name: env::LISTEN.to_owned(),
        value: Some(address),
        value_from: None,
    });
    let probes =
        [&mut sidecar.startup_probe, &mut sidecar.readiness_probe, &mut sidecar.liveness_probe];
    for probe in probes.into_iter().flatten() {
        let path = probe.http_get.take().and_then(|get| get.path).unwrap_or_default();
        let word = path.trim_start_matches('/').to_owned();
        probe.exec =
            Some(ExecAction { command: Some(vec![PROGRAM.to_owned(), "probe".to_owned(), word]) });
    }
}

/// The sidecar's token, as the kubelet would mount it, but into the sidecar alone: whoever can
/// write the Lease can forge the record, and the workload need not be able to.
pub fn token_volume() -> Volume {
    let token = VolumeProjection {
        service_account_token: Some(ServiceAccountTokenProjection {
            expiration_seconds: Some(TOKEN_LIFE_SECONDS),
            path: "token".to_owned(),
            ..ServiceAccountTokenProjection::default()
        }),
        ..VolumeProjection::default()
    };
    let authority = VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: "kube-root-ca.crt".to_owned(),
            items: Some(vec![KeyToPath {
                key: "ca.crt".to_owned(),
                path: "ca.crt".to_owned(),
                ..KeyToPath::default()
            }]),
            optional: None,
        }),
        ..VolumeProjection::default()
    };
    let namespace = VolumeProjection {
        downward_api: Some(DownwardAPIProjection {
            items: Some(vec![DownwardAPIVolumeFile {
                path: "namespace".to_owned(),
                field_ref: Some(field("metadata.namespace")),
                ..DownwardAPIVolumeFile::default()
            }]),
        }),
        ..VolumeProjection::default()
    };
    Volume {
        name: TOKEN_VOLUME.to_owned(),
        projected: Some(ProjectedVolumeSource {
            sources: Some(vec![token, authority, namespace]),
            ..ProjectedVolumeSource::default()
        }),
        ..Volume::default()
    }
}

fn environment(cluster: &str) -> Vec<EnvVar> {
    let from_field = |name: &str, path: &str| EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource { field_ref: Some(field(path)), ..EnvVarSource::default() }),
    };
    vec![
        EnvVar { name: env::CLUSTER.to_owned(), value: Some(cluster.to_owned()), value_from: None },
        from_field(env::NAMESPACE, "metadata.namespace"),
        from_field(env::POD, "metadata.name"),
        from_field(env::POD_UID, "metadata.uid"),
    ]
}

fn field(path: &str) -> ObjectFieldSelector {
    ObjectFieldSelector { api_version: Some("v1".to_owned()), field_path: path.to_owned() }
}

fn probe(path: &str, every_seconds: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(SIDECAR_PORT_NAME.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(every_seconds),
        timeout_seconds: Some(2),
        ..Probe::default()
    }
}

/// What the Pod Security Standard `restricted` asks for, and a root file system that nobody writes.
fn restricted() -> SecurityContext {
    SecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(NOBODY),
        run_as_group: Some(NOBODY),
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..SecurityContext::default()
    }
}

fn quantities<const N: usize>(each: [(&str, &str); N]) -> BTreeMap<String, Quantity> {
    each.into_iter().map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned()))).collect()
}

/// Where the image has the sidecar's program.
const PROGRAM: &str = "/duckgoose";

/// The user that the image has too.
const NOBODY: i64 = 65_532;

const TOKEN_VOLUME: &str = "duckgoose-token";

/// The kubelet brings a new token when four fifths have passed, so an outage of the API server ends none
/// before 48 minutes. Not the 3607 s of Kubernetes' own volumes: the API server takes that number for a
/// client that never reads its token again, and grants a year.
const TOKEN_LIFE_SECONDS: i64 = 4 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn made(on_loopback: bool) -> serde_json::Value {
        let image = SidecarImage { reference: "sidecar:1".into(), pull_policy: None };
        let mut sidecar = container(&image, "pond");
        if on_loopback {
            listen_on_loopback(&mut sidecar);
        }
        serde_json::to_value(sidecar).unwrap()
    }

    #[test]
    fn tokens_of_sidecar_and_operator_end_after_the_same_few_hours() {
        let chart = include_str!("../../../charts/duckduckgoose/templates/deployment.yaml");
        assert!(chart.contains(&format!("expirationSeconds: {TOKEN_LIFE_SECONDS}\n")));
        let sources = token_volume().projected.unwrap().sources.unwrap();
        let token = sources[0].service_account_token.as_ref().unwrap();
        assert_eq!(token.expiration_seconds, Some(TOKEN_LIFE_SECONDS));
    }

    #[test]
    fn on_loopback_a_command_asks_what_the_kubelet_would_have_asked() {
        let (open, on_loopback) = (made(false), made(true));
        for (probe, path) in
            [("startupProbe", "readyz"), ("readinessProbe", "readyz"), ("livenessProbe", "livez")]
        {
            assert_eq!(open[probe]["httpGet"]["path"], format!("/{path}"));
            let mut asked = on_loopback[probe].clone();
            let command = serde_json::json!({ "command": ["/duckgoose", "probe", path] });
            assert_eq!(asked.as_object_mut().unwrap().remove("exec"), Some(command));
            // As often, as patiently: nothing else differs.
            asked["httpGet"] = open[probe]["httpGet"].clone();
            assert_eq!(asked, open[probe]);
        }
        let told = |sidecar: &serde_json::Value| {
            let variables = sidecar["env"].as_array().unwrap().clone().into_iter();
            let mut listen = variables.filter(|one| one["name"] == "DUCKGOOSE_LISTEN");
            listen.next().map(|one| one["value"].clone())
        };
        assert_eq!(told(&open), None);
        assert_eq!(told(&on_loopback), Some("localhost:4040".into()));
        assert_eq!(on_loopback["ports"], open["ports"]);
    }
}
