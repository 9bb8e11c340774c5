//! A fault that ends with its test, whatever becomes of that.

use anyhow::Result;
use testbed::Node;

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
