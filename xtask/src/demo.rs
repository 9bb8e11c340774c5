//! `cargo xtask demo`.

mod lifetime;

use anyhow::{Result, bail};

pub use self::lifetime::Lifetime;
use crate::cli::DemoOptions;
use crate::screen::Screen;

/// Not yet.
pub async fn run(_options: DemoOptions, _screen: &Screen) -> Result<()> {
    bail!("not there yet")
}
