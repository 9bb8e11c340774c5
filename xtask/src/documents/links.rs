//! Links to files of the checkout, and to headings in them. Others are not looked at: a check must
//! not depend on the network.

use std::path::{Component, Path, PathBuf};

use super::page::Page;
use super::place;
use crate::checkout;

/// Links that lead nowhere.
pub fn faults(pages: &[Page]) -> Vec<String> {
    let root = checkout::root();
    let each = pages.iter().flat_map(|page| page.links.iter().map(move |link| (page, link)));
    each.filter_map(|(page, (to, line))| {
        let why = fault(page, to, pages, |path| root.join(path).exists())?;
        Some(format!("{}: the link {to} {why}", place(page, *line)))
    })
    .collect()
}

/// Why it leads nowhere; `None` where it leads somewhere, or out of the checkout's files.
fn fault(
    page: &Page,
    to: &str,
    pages: &[Page],
    exists: impl Fn(&Path) -> bool,
) -> Option<&'static str> {
    if to.contains("://") || to.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = to.split_once('#').map_or((to, None), |(path, it)| (path, Some(it)));
    let path = if path.is_empty() {
        PathBuf::from(&page.path)
    } else {
        let Some(path) = within(Path::new(&page.path).parent()?, path) else {
            return Some("leads out of the checkout");
        };
        path
    };
    if !exists(&path) {
        return Some("leads to no file");
    }
    let anchor = anchor?;
    let target = pages.iter().find(|page| Path::new(&page.path) == path);
    let is_there = target.is_some_and(|target| target.anchors.contains(anchor));
    (!is_there).then_some("leads to no heading")
}

/// The path from the root of the checkout; `None` where it is not in it.
fn within(folder: &Path, to: &str) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    for part in Path::new(to).components() {
        match part {
            Component::ParentDir => path.pop().then_some(())?,
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_file_and_a_heading() {
        let page = Page::read("docs/a.md", "# Here");
        let pages = [page.clone(), Page::read("README.md", "# Up there\n")];
        let exists = |path: &Path| path == Path::new("README.md") || path == Path::new("docs/a.md");
        for (to, wanted) in [
            ("https://example.org/none", None),
            ("#here", None),
            ("#there", Some("leads to no heading")),
            ("../README.md", None),
            ("../README.md#up-there", None),
            ("../README.md#down-there", Some("leads to no heading")),
            ("README.md", Some("leads to no file")),
            ("../../README.md", Some("leads out of the checkout")),
        ] {
            assert_eq!(fault(&page, to, &pages, exists), wanted, "{to}");
        }
    }
}
