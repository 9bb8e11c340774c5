//! What the sidecar is told of the workload beside it: how to tell it of its role, and how to find
//! out whether it is well. As JSON in its environment, in the fields that its `workload/` reads.

use std::time::Duration;

use api::health_check::HealthCheck;
use api::hooks::Hooks;
use api::names::env;
use k8s_openapi::api::core::v1::{Container, EnvVar, VolumeMount};
use serde_json::{Value, json};

/// Tells the sidecar of the hooks.
pub fn tell_of_hooks(sidecar: &mut Container, hooks: &Hooks) {
    let hook = |port: i32, path: &str, timeout: kube::core::Duration| json!({ "port": port, "path": path, "timeoutMs": millis(timeout) });
    let become_goose = hooks.become_goose.as_ref().map(|it| {
        let mut become_goose = hook(it.port, &it.path, it.timeout);
        become_goose["failurePolicy"] = json!(it.failure_policy);
        become_goose
    });
    let cease_goose = hooks.cease_goose.as_ref().map(|it| hook(it.port, &it.path, it.timeout));
    let told = json!({ "becomeGoose": become_goose, "ceaseGoose": cease_goose });
    tell(sidecar, env::HOOKS, &told);
}

/// Tells the sidecar of the health check, and lets it see the file's volume.
pub fn tell_of_health_check(sidecar: &mut Container, check: &HealthCheck) {
    let get = check.http_get.as_ref().map(|get| json!({ "port": get.port, "path": get.path }));
    let file = check.file.as_ref().map(|file| {
        let path = format!("{HEALTH_FOLDER}/{}", file.path);
        json!({ "path": path, "maxAgeMs": millis(file.max_age) })
    });
    if let Some(file) = &check.file {
        sidecar.volume_mounts.get_or_insert_default().push(VolumeMount {
            name: file.volume.clone(),
            mount_path: HEALTH_FOLDER.to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        });
    }
    let told = json!({
        "httpGet": get,
        "file": file,
        "periodMs": millis(check.period),
        "failureThreshold": check.failure_threshold,
        "whenIll": check.when_ill,
    });
    tell(sidecar, env::HEALTH_CHECK, &told);
}

fn tell(sidecar: &mut Container, name: &str, told: &Value) {
    let (name, value) = (name.to_owned(), Some(told.to_string()));
    sidecar.env.get_or_insert_default().push(EnvVar { name, value, value_from: None });
}

fn millis(span: kube::core::Duration) -> u64 {
    Duration::from(span).as_millis() as u64
}

/// Where the sidecar sees the volume of the health check's file.
const HEALTH_FOLDER: &str = "/run/duckgoose-health";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::from_value;

    fn told(sidecar: &Container) -> Value {
        let variable = &sidecar.env.as_ref().unwrap()[0];
        serde_json::from_str(variable.value.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn hooks_are_told_in_full_with_what_was_left_out() {
        let mut sidecar = Container::default();
        let hooks = json!({ "becomeGoose": { "port": 80, "path": "/a", "timeout": "2s" } });
        tell_of_hooks(&mut sidecar, &from_value(hooks).unwrap());
        let wanted = json!({
            "becomeGoose":
                { "port": 80, "path": "/a", "timeoutMs": 2000, "failurePolicy": "HandOver" },
            "ceaseGoose": null,
        });
        assert_eq!(told(&sidecar), wanted);
    }

    #[test]
    fn a_health_check_by_file_shows_the_sidecar_its_volume() {
        let mut sidecar = Container::default();
        let check = json!({ "file": { "volume": "data", "path": "alive", "maxAge": "10s" } });
        tell_of_health_check(&mut sidecar, &from_value(check).unwrap());
        let wanted = json!({
            "httpGet": null,
            "file": { "path": "/run/duckgoose-health/alive", "maxAgeMs": 10000 },
            "periodMs": 1000,
            "failureThreshold": 3,
            "whenIll": "HandOver",
        });
        assert_eq!(told(&sidecar), wanted);
        let mount = &sidecar.volume_mounts.unwrap()[0];
        assert_eq!((mount.name.as_str(), mount.read_only), ("data", Some(true)));
    }
}
