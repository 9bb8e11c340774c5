//! An operator whose calls go through an interposer.

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
        std::fs::create_dir_all(&folder)?;
        let kubeconfig = folder.join(format!("{namespace}-{number}.kubeconfig"));
        interposer.write_kubeconfig(&kubeconfig)?;
        let log = format!("interposed/{namespace}-{number}.log");
        let arguments = ["--watch-namespace", namespace];
        Ok(Self { _operator: Operator::start(&kubeconfig, &log, &arguments)?, interposer })
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
