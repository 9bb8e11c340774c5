//! What the pages of docs/how-to say, on real nodes: a probe on the sidecar's port, a client of the
//! Goose's Service, and through `kubectl port-forward` curl, the shell script and the programs, as
//! they stand there, while the role moves.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use serde_json::{Value, json};
use stage::{Example, PortForward, Stage, Wanted, eventually};

pub async fn test(stage: &Stage) -> Result<()> {
    let mut wanted = Wanted::pods(2).with_default_lease();
    let app = &mut wanted.pod["containers"][0];
    app["command"] = json!(["sh", "-c", SERVES_ITS_NAME]);
    app["ports"] = json!([{ "containerPort": 8080 }]);
    // Of probe-and-balance.md: without it the pod does not become ready.
    app["startupProbe"] = json!({ "httpGet": { "path": "/readyz", "port": 4040 } });
    let (pond, goose) = stage.pond(&wanted).await?;
    let other = if &*goose.pod == "pond-0" { "pond-1" } else { "pond-0" };

    stage.all::<Pod>().create(&PostParams::default(), &serde_json::from_value(client())?).await?;
    the_client_reaches(stage, &goose.pod).await?;

    let forward = PortForward::to(stage, &goose.pod).await?;
    ensure!(curl(&forward.url).await? == "goose", "curl wants a Goose");
    let mut examples = Vec::new();
    for (page, language, first, second) in EXAMPLES {
        let Some(mut example) = Example::start(page, language, &forward.url)? else { continue };
        example.prints(first).await?;
        examples.push((example, second));
    }
    pond.hand_over_to(other).await?;
    for (mut example, second) in examples {
        example.prints(second).await?;
    }
    ensure!(curl(&forward.url).await? == "duck", "curl wants a Duck");
    the_client_reaches(stage, other).await?;
    pond.judge()?;
    Ok(())
}

/// Of ask-with-curl.md.
async fn curl(url: &str) -> Result<String> {
    let mut curl = tokio::process::Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "10"]);
    curl.args(["--header", "accept: text/plain"]).arg(format!("{url}/role"));
    let output = curl.output().await?;
    ensure!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Waits until the last answer that the client of the Service had was this pod's.
async fn the_client_reaches(stage: &Stage, pod: &str) -> Result<()> {
    eventually(&format!("the Service to lead to {pod}"), stage::pond::SETTLING, async || {
        let answer = stage.kubectl("logs client --tail=1").await?;
        ensure!(answer.trim() == pod, "{answer:?}");
        Ok(())
    })
    .await
}

/// A pod that asks the Goose's Service, in the environment of which Kubernetes says where it is.
fn client() -> Value {
    let mut pod = stage::pond::pod();
    pod["containers"][0]["command"] = json!(["sh", "-c", ASKS_THE_SERVICE]);
    json!({ "metadata": { "name": "client" }, "spec": pod })
}

/// Page, language, and what is printed before and after the role has moved away.
const EXAMPLES: [(&str, &str, &str, &str); 3] = [
    (include_str!("../../docs/how-to/follow-the-stream.md"), "python", "goose", "duck"),
    (include_str!("../../docs/how-to/follow-the-stream.md"), "javascript", "goose", "duck"),
    (include_str!("../../docs/how-to/wait-in-a-script.md"), "bash", "started", "stopped"),
];

const SERVES_ITS_NAME: &str =
    "trap 'exit 0' TERM; httpd -p 8080 -h /etc; while true; do sleep 3600 & wait; done";

const ASKS_THE_SERVICE: &str = r#"
trap 'exit 0' TERM
while true; do
    timeout 1 wget -q -O - "http://$POND_GOOSE_SERVICE_HOST:8080/hostname"
    sleep 0.2
done
"#;
