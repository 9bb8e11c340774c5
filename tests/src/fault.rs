//! A fault that ends with its test, whatever becomes of that.

use anyhow::{Context, Result};
use testbed::{Cluster, Node};

/// Does something while the API server is down: killed before it, started again after it, whatever
/// becomes of it.
///
/// # Errors
/// Those of `meanwhile`, or where the API server does not start again.
pub async fn outage<T>(cluster: &Cluster, meanwhile: impl Future<Output = Result<T>>) -> Result<T> {
    cluster.apiserver().kill().await?;
    let result = meanwhile.await;
    cluster.apiserver().start().await.context("wanted the API server back")?;
    result
}

/// A node that is cut off until this is dropped or [healed](Cut::heal).
#[derive(Debug)]
pub struct Cut(Option<Node>);

impl Cut {
    /// Cuts the node off.
    ///
    /// # Errors
    /// Where that fails.
    pub fn off(node: Node) -> Result<Self> {
        node.cut()?;
        Ok(Self(Some(node)))
    }

    /// Connects it again.
    ///
    /// # Errors
    /// Where that fails.
    pub fn heal(mut self) -> Result<()> {
        self.0.take().map_or(Ok(()), |node| Ok(node.heal()?))
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        if let Some(node) = self.0.take()
            && let Err(error) = node.heal()
        {
            eprintln!("the node {} stays cut off: {error}", node.name());
        }
    }
}
