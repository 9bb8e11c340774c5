//! `kubectl port-forward`, as a person uses it.

use std::process::Stdio;

use anyhow::{Context, Result};
use api::names::SIDECAR_PORT;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::stage::Stage;
use crate::theatre;

/// A way from this machine to a pod's sidecar. It ends when this is dropped.
pub struct PortForward {
    /// Where to ask.
    pub url: String,
    _kubectl: Child,
    /// Read from no more, and open: kubectl says each connection, and ends when it cannot.
    _words: Lines<BufReader<ChildStdout>>,
}

impl PortForward {
    /// To the pod of this name, from a port that is free.
    ///
    /// # Errors
    /// Where kubectl does not say that it forwards.
    pub async fn to(stage: &Stage, pod: &str) -> Result<Self> {
        let (pod, port) = (format!("pod/{pod}"), format!(":{SIDECAR_PORT}"));
        let words = ["--namespace", &stage.namespace, "port-forward", &pod, &port];
        let program = stage.cluster().program("kubectl");
        let mut kubectl = theatre::command(&program, &words, stage.cluster());
        let mut kubectl = kubectl.stdout(Stdio::piped()).spawn()?;
        let mut words = BufReader::new(kubectl.stdout.take().context("it is piped")?).lines();
        let line = words.next_line().await?.context("wanted kubectl to forward, it ended")?;
        // Forwarding from 127.0.0.1:41234 -> 4040
        let address = line.split(' ').nth(2).with_context(|| format!("wanted a port in {line}"))?;
        Ok(Self { url: format!("http://{address}"), _kubectl: kubectl, _words: words })
    }
}
