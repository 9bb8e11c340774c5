//! The chart, linted, and rendered with each of its values set to another one: helm takes it, and it
//! changes something. Each value stands in the chart's page with its default.

use std::fs;
use std::path::PathBuf;
use std::slice;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use testbed::programs::Program;

use crate::checkout;
use crate::clients::built;
use crate::command::{command, output};
use crate::screen::Screen;

/// Values that helm refuses, that change nothing, or that the page does not tell of.
///
/// # Errors
/// Where the chart cannot be read, or is wrong as it stands.
pub async fn faults(screen: &Screen) -> Result<Vec<String>> {
    let chart = Chart::read(screen).await?;
    output(chart.helm(&["lint", "--strict", CHART])).await?;
    let base = chart.render(None).await?;
    let mut faults = Vec::new();
    for value in &chart.values {
        faults.extend(chart.fault(value, &base).await);
    }
    let undocumented = chart.values.iter().filter_map(|value| chart.undocumented(value));
    faults.extend(undocumented);
    screen.line(format!("{} values of the chart, each set to another one", chart.values.len()));
    Ok(faults)
}

struct Chart {
    helm: PathBuf,
    page: String,
    defaults: Value,
    values: Vec<Documented>,
}

/// One value of the schema that has no parts of its own.
#[derive(Clone, Debug, PartialEq)]
struct Documented {
    /// Its names from the outside in.
    path: Vec<String>,
    schema: Value,
}

impl Chart {
    async fn read(screen: &Screen) -> Result<Self> {
        let read = |file: &str| {
            let path = checkout::root().join(CHART).join(file);
            fs::read_to_string(&path).with_context(|| format!("wanted to read {}", path.display()))
        };
        let schema: Value = serde_json::from_str(&read("values.schema.json")?)?;
        let defaults = serde_saphyr::from_str(&read("values.yaml")?)?;
        let helm = built(Program::Helm, "helm", screen).await?;
        Ok(Self { helm, page: read("README.md")?, defaults, values: leaves(&schema, &[]) })
    }

    fn helm(&self, words: &[&str]) -> tokio::process::Command {
        let mut helm = command(&self.helm);
        helm.args(words);
        helm
    }

    /// With all that is off by default, so that what is set for it shows.
    async fn render(&self, setting: Option<&str>) -> Result<String> {
        let mut words = vec!["template", "release", CHART];
        for part in MORE {
            words.extend(["--set-json", part]);
        }
        words.extend(setting.iter().flat_map(|setting| ["--set-json", *setting]));
        output(self.helm(&words)).await
    }

    async fn fault(&self, value: &Documented, base: &str) -> Option<String> {
        let name = value.path.join(".");
        let mut refusals = Vec::new();
        for other in candidates(&value.schema) {
            match self.render(Some(&format!("{name}={other}"))).await {
                Ok(rendered) if rendered != base => return None,
                Ok(_) => refusals.push(format!("{other} changes nothing")),
                Err(error) => refusals.push(format!("{error:#}")),
            }
        }
        Some(format!("{CHART}: the value {name}: {}", refusals.join("; ")))
    }

    fn undocumented(&self, value: &Documented) -> Option<String> {
        let name = value.path.join(".");
        let Some(default) = self.defaults.pointer(&format!("/{}", value.path.join("/"))) else {
            return Some(format!("{CHART}/values.yaml: wanted {name}, which is in the schema"));
        };
        let row = self.page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let shown = row.and_then(|row| row.split('|').nth(2)).unwrap_or_default();
        let shown: Option<Value> = serde_json::from_str(shown.trim().trim_matches('`')).ok();
        let why = format!("{CHART}/README.md: wanted {name} with its default {default}");
        (shown.as_ref() != Some(default)).then_some(why)
    }
}

/// All values below a part of the schema.
fn leaves(schema: &Value, path: &[String]) -> Vec<Documented> {
    let Some(parts) = schema["properties"].as_object() else {
        return vec![Documented { path: path.to_vec(), schema: schema.clone() }];
    };
    let parts = parts.iter().filter(|(name, _)| *name != OF_HELM);
    parts.flat_map(|(name, part)| leaves(part, &[path, slice::from_ref(name)].concat())).collect()
}

/// Values of this kind, of which one is to be taken and to change something.
fn candidates(schema: &Value) -> Vec<Value> {
    if let Some(choices) = schema["enum"].as_array() {
        return choices.clone();
    }
    match schema["type"].as_str() {
        Some("boolean") => vec![json!(true), json!(false)],
        Some("integer") => vec![json!(1), json!(3)],
        Some("array") => {
            candidates(&schema["items"]).into_iter().map(|item| json!([item])).collect()
        }
        Some("object") => {
            let parts = schema["properties"].as_object().cloned().unwrap_or_default();
            let named: Map<_, _> = parts.keys().map(|key| (key.clone(), json!("other"))).collect();
            vec![if named.is_empty() { json!({ "other": "other" }) } else { named.into() }]
        }
        _ => TEXTS.iter().map(|text| json!(text)).collect(),
    }
}

const CHART: &str = "charts/duckduckgoose";

/// Set by helm where the chart is a part of another.
const OF_HELM: &str = "global";

/// What is off by default, and what other values want to find.
const MORE: [&str; 4] = [
    r#"serviceAccount.name="mine""#,
    "monitoring.podMonitor.enabled=true",
    "monitoring.rules.enabled=true",
    "monitoring.dashboard.enabled=true",
];

/// A word, a span, a link, an address, a digest: one of them fits each pattern.
const TEXTS: [&str; 5] = [
    "other",
    "15s",
    "https://example.org/other",
    "http://collector:4318",
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_found_once() {
        let schema = json!({ "properties": {
            "global": { "type": "object" },
            "a": { "properties": { "b": { "type": "string" }, "c": { "type": "boolean" } } },
        }});
        let paths: Vec<_> = leaves(&schema, &[]).into_iter().map(|it| it.path.join(".")).collect();
        assert_eq!(paths, ["a.b", "a.c"]);
    }

    #[test]
    fn there_are_two_of_each_kind_or_one_that_is_no_default() {
        let choice = json!({ "enum": ["json", "text"] });
        assert_eq!(candidates(&choice), [json!("json"), json!("text")]);
        assert_eq!(candidates(&json!({ "type": "boolean" })), [json!(true), json!(false)]);
        assert_eq!(candidates(&json!({ "type": "object" })), [json!({ "other": "other" })]);
        let item = json!({ "type": "object", "properties": { "name": {} } });
        let secrets = json!({ "type": "array", "items": item });
        assert_eq!(candidates(&secrets), [json!([{ "name": "other" }])]);
    }
}
