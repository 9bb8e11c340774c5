//! An operator whose calls go through an interposer.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use kube::Client;
use tokio::time::sleep;

use crate::interposer::{Interposer, Mischief};
use crate::operator::Operator;
use crate::theatre::left_behind;

/// Both, until they are dropped: the operator first.
pub struct Interposed {
    _operator: Operator,
    /// What its calls go through.
    pub interposer: Interposer,
    log: PathBuf,
}

impl Interposed {
    /// Starts one for one namespace.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start(client: &Client, mischief: Mischief, namespace: &str) -> Result<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let interposer = Interposer::stand(client.clone(), mischief).await?;
        let folder = left_behind().join("interposed");
        fs::create_dir_all(&folder)?;
        let kubeconfig = folder.join(format!("{namespace}-{number}.kubeconfig"));
        interposer.write_kubeconfig(&kubeconfig)?;
        let log = format!("interposed/{namespace}-{number}.log");
        let arguments = ["--watch-namespace", namespace];
        let operator = Operator::start(&kubeconfig, &log, &arguments)?;
        Ok(Self { _operator: operator, interposer, log: left_behind().join(log) })
    }

    /// What it wrote last, and what it said: for a test that fails.
    pub fn last_words(&self) -> String {
        let writes = self.interposer.writes();
        let writes = writes.iter().map(|write| format!("{write:?}")).collect::<Vec<_>>();
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let log: Vec<_> = log.lines().collect();
        let last = |lines: usize| lines.saturating_sub(LAST_LINES);
        format!(
            "the last writes of {}:\n{}\nand what it said:\n{}",
            writes.len(),
            writes[last(writes.len())..].join("\n"),
            log[last(log.len())..].join("\n")
        )
    }

    /// Whether it writes nothing for longer than it puts off any write.
    pub async fn rests(&self) -> bool {
        let writes = self.interposer.writes().len();
        sleep(REST).await;
        self.interposer.writes().len() == writes
    }
}

/// Orders wait for one renewal, which is half a second here.
const REST: Duration = Duration::from_millis(1200);

/// Enough to find out why.
const LAST_LINES: usize = 40;
