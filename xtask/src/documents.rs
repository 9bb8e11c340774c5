//! What people read is held against what it tells of: links lead somewhere, commands exist, each
//! alert and each reason of a condition has its page, and each value of the chart does something.

mod chart;
mod commands;
mod links;
mod page;
mod runbooks;

use anyhow::{Result, bail};

use self::page::Page;
use crate::screen::Screen;

/// Checks the pages, then the chart.
///
/// # Errors
/// As [`check_pages`] and [`check_chart`].
pub async fn check_all(screen: &Screen) -> Result<()> {
    check_pages(screen).await?;
    check_chart(screen).await
}

/// Looks through every page of the checkout.
///
/// # Errors
/// Where a page says what is not so: with all such places.
pub async fn check_pages(screen: &Screen) -> Result<()> {
    let pages = page::all()?;
    let mut faults = links::faults(&pages);
    faults.extend(runbooks::faults(&pages)?);
    faults.extend(commands::faults(&pages, screen).await?);
    tell(&faults)?;
    screen.line(format!("{} pages are as they should be", pages.len()));
    Ok(())
}

/// Renders the chart with each of its values changed.
///
/// # Errors
/// Where helm refuses one, a value changes nothing, or the chart's page does not tell of it.
pub async fn check_chart(screen: &Screen) -> Result<()> {
    tell(&chart::faults(screen).await?)
}

fn tell(faults: &[String]) -> Result<()> {
    if !faults.is_empty() {
        bail!("{} places in documents are wrong:\n{}", faults.len(), faults.join("\n"));
    }
    Ok(())
}

/// Where a fault is, for people and for editors.
fn place(page: &Page, line: usize) -> String {
    format!("{}:{line}", page.path)
}
