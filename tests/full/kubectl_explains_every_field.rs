//! `kubectl explain` has a description of each field that is this project's own, and knows the pod
//! template.

use anyhow::{Result, ensure};
use stage::Stage;

pub async fn test(stage: &Stage) -> Result<()> {
    for (path, fields) in [
        ("dgc.spec", &["lease", "replicas", "template"][..]),
        ("dgc.spec.lease", &["duration", "renewal"]),
        ("dgc.spec.sharedVolume", &["hold", "mountPath"]),
        ("dgc.spec.hooks.becomeGoose", &["failurePolicy", "path", "port", "timeout"]),
        ("dgc.spec.hooks.ceaseGoose", &["path", "port", "timeout"]),
        ("dgc.spec.goose.healthCheck", &["file", "httpGet", "period", "whenIll"]),
        (
            "dgc.status",
            &["conditions", "ducks", "goose", "longestLease", "readyReplicas", "replicas", "term"],
        ),
    ] {
        let text = stage.kubectl(&format!("explain {path}")).await?;
        for field in fields {
            ensure!(is_described(&text, field), "{path} has no description of {field}:\n{text}");
        }
        ensure!(
            !text.contains("<no description>"),
            "something in {path} is not described:\n{text}"
        );
    }
    let containers = stage.kubectl("explain dgc.spec.template.spec.containers").await?;
    for field in ["image", "command", "volumeMounts", "livenessProbe"] {
        ensure!(containers.contains(&format!("\n  {field}\t")), "no {field}:\n{containers}");
    }
    Ok(())
}

/// A field is indented by two blanks, its description on a line after it by four. Between them may be
/// the values that it can have.
fn is_described(text: &str, field: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("  {field}\t")));
    let description = lines.nth(1).filter(|line| !line.starts_with("  enum:")).or(lines.next());
    description.is_some_and(|line| line.starts_with("    ") && !line.trim().is_empty())
}
