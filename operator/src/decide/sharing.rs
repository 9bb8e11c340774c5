//! The folder that the sidecar shares with the pod's other containers.

use std::time::Duration;

use api::SharedVolume;
use api::names::{SHARED_VOLUME, env};
use k8s_openapi::api::core::v1::{
    Container, EmptyDirVolumeSource, EnvVar, PodSpec, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// Adds the volume, and mounts it into all containers that are there by now: only the sidecar, whose
/// is the first init container, can write it.
pub fn share(pod: &mut PodSpec, shared: &SharedVolume) {
    pod.volumes.get_or_insert_default().push(volume());
    let (init, containers) = (pod.init_containers.as_mut(), &mut pod.containers);
    let mut others = init.into_iter().flatten().chain(containers);
    if let Some(sidecar) = others.next() {
        mount(sidecar, shared, false);
        let variables = sidecar.env.get_or_insert_default();
        variables.extend(environment(shared));
    }
    for container in others {
        mount(container, shared, true);
    }
}

/// In memory, so that no slow disk keeps the sidecar from renewing; the program is some 7 MB of it.
fn volume() -> Volume {
    Volume {
        name: SHARED_VOLUME.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: Some("Memory".to_owned()),
            size_limit: Some(Quantity("32Mi".to_owned())),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Where the container mounts it by itself, it stays in that place.
fn mount(container: &mut Container, shared: &SharedVolume, read_only: bool) {
    let read_only = read_only.then_some(true);
    let mounts = container.volume_mounts.get_or_insert_default();
    if let Some(own) = mounts.iter_mut().find(|mount| mount.name == SHARED_VOLUME) {
        own.read_only = read_only;
        return;
    }
    mounts.push(VolumeMount {
        name: SHARED_VOLUME.to_owned(),
        mount_path: shared.mount_path.clone(),
        read_only,
        ..VolumeMount::default()
    });
}

fn environment(shared: &SharedVolume) -> impl Iterator<Item = EnvVar> {
    let variable = |name: &str, value: String| EnvVar {
        name: name.to_owned(),
        value: Some(value),
        value_from: None,
    };
    let millis = |hold| Duration::from(hold).as_millis().to_string();
    let hold = shared.hold.map(|hold| variable(env::HOLD, millis(hold)));
    [Some(variable(env::FOLDER, shared.mount_path.clone())), hold].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn shared_by(volume: serde_json::Value) -> PodSpec {
        let mut pod = from_value(json!({
            "initContainers": [{ "name": "duckgoose" }, { "name": "migrate" }],
            "containers": [
                { "name": "app" },
                { "name": "own", "volumeMounts": [
                    { "name": "duckgoose-shared", "mountPath": "/elsewhere" },
                ]},
            ],
        }))
        .unwrap();
        share(&mut pod, &from_value(volume).unwrap());
        pod
    }

    fn mounts(container: &Container) -> Vec<(&str, Option<bool>)> {
        let mounts = container.volume_mounts.iter().flatten();
        mounts.map(|mount| (mount.mount_path.as_str(), mount.read_only)).collect()
    }

    #[test]
    fn all_containers_see_the_folder_and_only_the_sidecar_can_write_it() {
        let pod = shared_by(json!({ "mountPath": "/run/duckgoose" }));
        let init = pod.init_containers.unwrap();
        assert_eq!(mounts(&init[0]), [("/run/duckgoose", None)]);
        assert_eq!(mounts(&init[1]), [("/run/duckgoose", Some(true))]);
        assert_eq!(mounts(&pod.containers[0]), [("/run/duckgoose", Some(true))]);
        assert_eq!(mounts(&pod.containers[1]), [("/elsewhere", Some(true))]);
        assert_eq!(pod.volumes.unwrap()[0].name, "duckgoose-shared");
    }

    #[test]
    fn the_sidecar_is_told_where_it_is_and_how_long_to_promise() {
        let told = |volume| {
            let sidecar = shared_by(volume).init_containers.unwrap().remove(0);
            let variables = sidecar.env.unwrap_or_default().into_iter();
            variables.map(|it| format!("{}={}", it.name, it.value.unwrap())).collect::<Vec<_>>()
        };
        let folder = "DUCKGOOSE_FOLDER=/run/duckgoose";
        assert_eq!(told(json!({})), [folder]);
        assert_eq!(told(json!({ "hold": "1.5s" })), [folder, "DUCKGOOSE_HOLD_MS=1500"]);
    }
}
