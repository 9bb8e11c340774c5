//! What the API server refuses, and the words that it says. Here the rules are run by `kube-cel`;
//! the same on a real API server is a test of the light tier.

use duckduckgoose_api::crd::crd;
use kube_cel::Validator;
use serde_json::{Value, json};

#[test]
fn a_plain_cluster_passes() {
    assert_eq!(refusals(&pond()), [""; 0]);
}

#[test]
fn a_template_without_containers_is_refused() {
    let says = "spec.template.spec.containers must list at least one container";
    for template in [json!({}), json!({ "spec": {} }), json!({ "spec": { "containers": [] } })] {
        let mut cluster = pond();
        cluster["spec"]["template"] = template;
        assert_refused(&cluster, says);
    }
}

#[test]
fn the_name_of_the_sidecar_is_refused() {
    for containers in ["containers", "initContainers"] {
        assert_refused(
            &with(
                "/spec/template/spec",
                containers,
                json!([{ "name": "duckgoose", "image": "app" }]),
            ),
            "the name duckgoose belongs to the sidecar",
        );
    }
}

#[test]
fn the_port_of_the_sidecar_is_refused() {
    let container = |port: u16| json!([{ "name": "side", "ports": [{ "containerPort": port }] }]);
    for containers in ["containers", "initContainers"] {
        let on_port = |port| with("/spec/template/spec", containers, container(port));
        assert_refused(&on_port(4040), "port 4040 belongs to the sidecar");
        assert_eq!(refusals(&on_port(4041)), [""; 0]);
    }
}

#[test]
fn a_restart_policy_that_ends_members_is_refused() {
    let policy = |policy: &str| with("/spec/template/spec", "restartPolicy", policy.into());
    assert_refused(&policy("Never"), "restartPolicy must be Always");
    assert_refused(&policy("OnFailure"), "restartPolicy must be Always");
    assert_eq!(refusals(&policy("Always")), [""; 0]);
}

#[test]
fn labels_of_the_operator_are_refused() {
    let labels =
        |key: &str| with("/spec/template", "metadata", json!({ "labels": { key: "goose" } }));
    assert_refused(&labels("duckduckgoose.dev/role"), "belong to the operator");
    assert_eq!(refusals(&labels("example.org/role")), [""; 0]);
}

#[test]
fn a_lease_out_of_range_or_in_other_words_is_refused() {
    for duration in ["1999ms", "61s", "1m1s", "6", "six", "-6s", "2 weeks", ""] {
        assert_refused(&lease(duration, "200ms"), "spec.lease.duration must be from 2s to 60s");
    }
    for duration in ["2s", "2000ms", "2.5s", "60s", "1m", "0m59s"] {
        assert_eq!(refusals(&lease(duration, "200ms")), [""; 0], "duration {duration}");
    }
}

#[test]
fn a_renewal_too_short_or_in_other_words_is_refused() {
    for renewal in ["199ms", "0s", "2", "soon"] {
        assert_refused(&lease("6s", renewal), "spec.lease.renewal must be at least 200ms");
    }
}

#[test]
fn a_renewal_of_more_than_a_third_of_the_lease_is_refused() {
    let says = "spec.lease.renewal must be at most a third of spec.lease.duration";
    for (duration, renewal) in [("6s", "2001ms"), ("2s", "667ms"), ("60s", "20.001s")] {
        assert_refused(&lease(duration, renewal), says);
    }
    for (duration, renewal) in [("6s", "2s"), ("2s", "666ms"), ("1m", "20s")] {
        assert_eq!(refusals(&lease(duration, renewal)), [""; 0], "{renewal} of {duration}");
    }
}

#[test]
fn one_setting_of_a_lease_is_checked_against_the_default_of_the_other() {
    let only_duration = with("/spec", "lease", json!({ "duration": "3s" }));
    assert_refused(&only_duration, "at most a third");
}

#[test]
fn a_shared_volume_that_cannot_be_mounted_or_promises_too_long_is_refused() {
    let shared = |volume: Value| with("/spec", "sharedVolume", volume);
    for path in ["/", "run", "/run/", "/a:b", "/a/../b", ""] {
        let says = "spec.sharedVolume.mountPath must be a folder below /";
        assert_refused(&shared(json!({ "mountPath": path })), says);
    }
    for hold in ["199ms", "1", "soon"] {
        let says = "spec.sharedVolume.hold must be at least 200ms";
        assert_refused(&shared(json!({ "hold": hold })), says);
    }
    assert_refused(&shared(json!({ "hold": "2001ms" })), "at most a third of spec.lease.duration");
    for volume in [json!({}), json!({ "hold": "2s" }), json!({ "mountPath": "/a.b/c" })] {
        assert_eq!(refusals(&shared(volume.clone())), [""; 0], "{volume}");
    }
}

#[test]
fn hooks_that_cannot_be_sent_or_take_longer_than_the_lease_are_refused() {
    let hooks = |hook: &str, field: &str, value: Value| {
        let mut hooks = json!({ hook: { "port": 8080, "path": "/role" } });
        hooks[hook][field] = value;
        with("/spec", "hooks", hooks)
    };
    for hook in ["becomeGoose", "ceaseGoose"] {
        for path in ["role", "", "/a b", "/a\r\nb"] {
            assert_refused(&hooks(hook, "path", path.into()), "must begin with / and have no");
        }
        for timeout in ["0s", "soon"] {
            assert_refused(&hooks(hook, "timeout", timeout.into()), "must be from 1ms to 5m");
        }
        assert_eq!(refusals(&hooks(hook, "timeout", "2s".into())), [""; 0]);
    }
    assert_eq!(refusals(&hooks("becomeGoose", "timeout", "3m".into())), [""; 0]);
    assert_refused(&hooks("becomeGoose", "timeout", "6m".into()), "must be from 1ms to 5m");
    let says = "spec.hooks.ceaseGoose.timeout must be at most a third";
    assert_refused(&hooks("ceaseGoose", "timeout", "2.1s".into()), says);
}

#[test]
fn a_health_check_of_nothing_or_of_a_file_elsewhere_is_refused() {
    let check = |check: Value| with("/spec", "goose", json!({ "healthCheck": check }));
    let file = |path: &str, age: &str| json!({ "volume": "data", "path": path, "maxAge": age });
    let get = json!({ "port": 8080 });
    for wrong in [json!({}), json!({ "httpGet": get, "file": file("alive", "10s") })] {
        assert_refused(&check(wrong), "must have either httpGet or file");
    }
    for path in ["/alive", "../alive", "a/../../b", ""] {
        assert_refused(&check(json!({ "file": file(path, "10s") })), "must be below its volume");
    }
    assert_refused(&check(json!({ "file": file("alive", "10ms") })), "maxAge must be at least 1s");
    let hot = json!({ "httpGet": get, "period": "1ms" });
    assert_refused(&check(hot), "period must be from 100ms to 5m");
    for right in [json!({ "httpGet": get }), json!({ "file": file("a/b.c", "1m") })] {
        assert_eq!(refusals(&check(right.clone())), [""; 0], "{right}");
    }
}

#[test]
fn a_name_that_does_not_fit_into_labels_and_services_is_refused() {
    let named = |name: &str| with("/metadata", "name", name.into());
    for name in ["x".repeat(51).as_str(), "po.nd", "1pond", "pond-"] {
        assert_refused(&named(name), "metadata.name must be at most 50 characters");
    }
    for name in ["x".repeat(50).as_str(), "p", "pond-goose", "pond2"] {
        assert_eq!(refusals(&named(name)), [""; 0], "name {name}");
    }
}

#[test]
fn a_choice_of_pods_by_both_or_neither_is_refused() {
    let both = json!({ "ordinal": 0, "matchLabels": { "zone": "a" } });
    for list in ["priorities", "never"] {
        let choice = |choice: &Value| with("/spec", "goose", json!({ list: [choice] }));
        for wrong in [&json!({}), &both] {
            assert_refused(&choice(wrong), "either an ordinal or matchLabels");
        }
        for right in [json!({ "ordinal": 2 }), json!({ "matchLabels": { "zone": "a" } })] {
            assert_eq!(refusals(&choice(&right)), [""; 0], "{right}");
        }
    }
}

#[test]
fn a_claim_without_a_name_is_refused() {
    let claims = |claim: Value| with("/spec", "volumeClaimTemplates", json!([claim]));
    for claim in [json!({ "spec": {} }), json!({ "metadata": {}, "spec": {} })] {
        assert_refused(&claims(claim), "must have a metadata.name");
    }
    let named = json!({ "metadata": { "name": "data" }, "spec": {} });
    assert_eq!(refusals(&claims(named)), [""; 0]);
}

#[track_caller]
fn assert_refused(cluster: &Value, says: &str) {
    match refusals(cluster).as_slice() {
        [refusal] if refusal.contains(says) => {}
        other => panic!("wanted one refusal that says {says:?}, found {other:?}"),
    }
}

/// The messages of all rules that `cluster` breaks.
fn refusals(cluster: &Value) -> Vec<String> {
    let version = crd().spec.versions.remove(0);
    let schema = version.schema.and_then(|schema| schema.open_api_v3_schema);
    let schema = serde_json::to_value(schema.expect("the version has a schema"))
        .expect("a schema is plain data");
    match Validator::new().validate(&schema, cluster, None) {
        Ok(()) => vec![],
        Err(errors) => errors.into_vec().into_iter().map(|error| error.message).collect(),
    }
}

fn pond() -> Value {
    json!({
        "apiVersion": "duckduckgoose.dev/v1alpha1",
        "kind": "DuckGooseCluster",
        "metadata": { "name": "pond" },
        "spec": { "template": { "spec": { "containers": [{ "name": "app", "image": "busybox:stable" }] } } },
    })
}

fn with(place: &str, field: &str, value: Value) -> Value {
    let mut cluster = pond();
    cluster.pointer_mut(place).expect("the cluster has the place")[field] = value;
    cluster
}

fn lease(duration: &str, renewal: &str) -> Value {
    with("/spec", "lease", json!({ "duration": duration, "renewal": renewal }))
}
