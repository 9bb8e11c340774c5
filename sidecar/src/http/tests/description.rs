//! The description in docs/reference/openapi.json, held against the answers.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn description() -> Value {
    serde_json::from_str(health::OPENAPI).unwrap()
}

/// Whether the value is as the schema says, for the words that the description uses.
fn check(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let found = description().pointer(name.trim_start_matches('#')).cloned();
        return check(&found.ok_or(format!("{at}: no {name}"))?, value, at);
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{at}: wanted one of {allowed:?}, found {value}"));
    }
    let right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() && value.as_u64() >= schema["minimum"].as_u64(),
        other => return Err(format!("{at}: wanted a type that is known, found {other:?}")),
    };
    if !right {
        return Err(format!("{at}: wanted {}, found {value}", schema["type"]));
    }
    for item in value.as_array().into_iter().flatten() {
        check(&schema["items"], item, at)?;
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        let name = required.as_str().unwrap();
        value.get(name).ok_or(format!("{at}: wanted {name} in {value}"))?;
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => check(schema, field, &format!("{at}.{name}"))?,
            None if schema["additionalProperties"] == false => {
                return Err(format!("{at}: wanted no {name}"));
            }
            None => {}
        }
    }
    Ok(())
}

/// Whether the description has this answer to this request.
fn described(method: &str, path: &str, reply: &Reply) {
    let path = path.split('?').next().unwrap();
    let at = format!("{method} {path} {}", reply.status);
    let answer = &description()["paths"][path][method]["responses"][reply.status.to_string()];
    let kind = reply.header("content-type").split(';').next().unwrap();
    let schema = &answer["content"][kind]["schema"];
    assert!(schema.is_object(), "wanted {kind} of {at} to be described");
    let value = if kind == "application/json" { reply.json() } else { json!(reply.body) };
    check(schema, &value, &at).unwrap();
}

#[tokio::test]
async fn each_answer_is_as_it_is_described() {
    let sidecar = Sidecar::goose().await;
    let gets = [
        "/",
        "/role",
        "/role?hold=1s",
        "/role?wait=1ms",
        "/role?x=1",
        "/goose",
        "/duck",
        "/goose?x=1",
        "/history",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/role/stream?x=1",
    ];
    for outside in [false, true] {
        sidecar.member.outside.store(outside, Ordering::Relaxed);
        sidecar.becomes(Some(900));
        for path in gets {
            described("get", path, &sidecar.get(path).await);
        }
        let plain = sidecar.ask("GET", "/goose", "accept: text/plain\r\n").await;
        described("get", "/goose", &plain);
        let posts = [("?to=pond-2", ""), ("", "origin: null\r\n"), ("", ""), ("", "")];
        for (query, headers) in posts {
            let path = format!("/handover{query}");
            described("post", &path, &sidecar.ask("POST", &path, headers).await);
        }
    }
}

#[tokio::test]
async fn each_event_is_as_it_is_described() {
    let sidecar = Sidecar::goose().await;
    let mut events = sidecar.stream("").await;
    let schemas = &description()["components"]["schemas"];
    check(&schemas["Standing"], &events.next().await.2, "role").unwrap();
    sidecar.becomes(None);
    check(&schemas["Change"], &events.next().await.2, "change").unwrap();
}

#[test]
fn the_check_finds_what_is_not_described() {
    let told = json!({"$ref": "#/components/schemas/Told"});
    assert_eq!(check(&told, &json!({"role": "goose", "holdMs": 1}), "it"), Ok(()));
    for odd in [json!({}), json!({"role": "swan"}), json!({"role": "duck", "x": 1}), json!([])] {
        assert!(check(&told, &odd, "it").is_err(), "{odd}");
    }
}

#[test]
fn the_paths_are_those_that_are_described() {
    let description = description();
    let described: BTreeSet<_> = description["paths"].as_object().unwrap().keys().collect();
    let served: BTreeSet<_> = PATHS.iter().map(|&path| path.to_owned()).collect();
    assert_eq!(described, served.iter().collect());
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
}
