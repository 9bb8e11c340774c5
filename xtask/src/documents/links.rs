//! Links to files of the checkout, and to headings in them. Others are not looked at: a check must
//! not depend on the network.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::page::Page;
use super::place;
use crate::checkout;

/// Links that lead nowhere, and documents that no link leads to.
pub fn faults(pages: &[Page]) -> Vec<String> {
    let root = checkout::root();
    let each = pages.iter().flat_map(|page| page.links.iter().map(move |link| (page, link)));
    let broken = each.filter_map(|(page, (to, line))| {
        let why = fault(page, to, pages, |path| root.join(path).exists())?;
        Some(format!("{}: the link {to} {why}", place(page, *line)))
    });
    let reached = reached(pages);
    let documents = pages.iter().filter(|page| page.path.starts_with("docs/"));
    let unreached = documents.filter(|page| !reached.contains(&page.path));
    let unreached = unreached.map(|page| format!("{}: no way leads here from {START}", page.path));
    broken.chain(unreached).collect()
}

/// The pages that somebody finds who follows links from the first page on.
fn reached(pages: &[Page]) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut left = vec![START.to_owned()];
    while let Some(path) = left.pop() {
        let Some(page) = pages.iter().find(|page| page.path == path) else { continue };
        if reached.insert(path) {
            let files = page.links.iter().filter_map(|(to, _)| file(page, to));
            left.extend(files.map(|path| path.to_string_lossy().into_owned()));
        }
    }
    reached
}

/// The file of the checkout that a link leads to, whether it exists or not.
fn file(page: &Page, to: &str) -> Option<PathBuf> {
    match to.split('#').next().unwrap_or_default() {
        "" => Some(PathBuf::from(&page.path)),
        path => within(Path::new(&page.path).parent()?, path),
    }
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
    let Some(path) = file(page, to) else { return Some("leads out of the checkout") };
    if !exists(&path) {
        return Some("leads to no file");
    }
    let (_, anchor) = to.split_once('#')?;
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

/// Where people begin to read.
const START: &str = "README.md";

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
    #[test]
    fn pages_are_reached_by_way_of_others() {
        let pages = [
            Page::read("README.md", "[a](docs/a.md#x) [out](https://example.org/docs/c.md)"),
            Page::read("docs/a.md", "[b](b.md)"),
            Page::read("docs/b.md", "[back](../README.md)"),
            Page::read("docs/c.md", "[b](b.md)"),
        ];
        let wanted = ["README.md", "docs/a.md", "docs/b.md"].map(str::to_owned);
        assert_eq!(reached(&pages), BTreeSet::from(wanted));
    }
}
