//! Whoever is woken by an alert, or finds a reason in a condition, finds a page of that name.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use super::page::Page;
use crate::checkout;

/// Alerts and reasons without a page, pages without one of these, and indexes that leave one out.
///
/// # Errors
/// Where the rules or the list of reasons cannot be read.
pub fn faults(pages: &[Page]) -> Result<Vec<String>> {
    let read = |path: &str| {
        let text = fs::read_to_string(checkout::root().join(path));
        text.with_context(|| format!("wanted to read {path}"))
    };
    let alerts = alerts(&read(RULES)?);
    let wanted = alerts.keys().map(|alert| (page_of(alert), alert.clone())).collect();
    let mut faults = missing(ALERT_PAGES, &wanted, pages);
    for (alert, link) in &alerts {
        let page = page_of(alert);
        if *link != page {
            faults.push(format!("{RULES}: {alert} links to {link}, its page is {page}"));
        }
    }
    let reasons = reasons(&read(REASONS)?);
    let wanted = reasons.into_iter().map(|reason| (page_of(&reason), reason)).collect();
    faults.extend(missing(REASON_PAGES, &wanted, pages));
    Ok(faults)
}

/// Compares the pages of a folder with those that are wanted, which are given with their headings.
fn missing(folder: &str, wanted: &BTreeMap<String, String>, pages: &[Page]) -> Vec<String> {
    let found: BTreeMap<_, _> = pages
        .iter()
        .filter_map(|page| {
            let name = page.path.strip_prefix(folder)?.strip_prefix('/')?;
            (!name.contains('/')).then_some((name, page))
        })
        .collect();
    let index = found.get(INDEX);
    let mut faults = Vec::new();
    for (name, heading) in wanted {
        match found.get(name.as_str()) {
            None => faults.push(format!("{folder}: {heading} wants a page {name}")),
            Some(page) if page.headings.first() != Some(heading) => {
                faults.push(format!("{}: wanted the heading {heading}", page.path));
            }
            Some(_) => {}
        }
        if !index.is_some_and(|index| index.links.iter().any(|(to, _)| to == name)) {
            faults.push(format!("{folder}/{INDEX}: wanted a link to {name}"));
        }
    }
    let more = found.keys().filter(|name| **name != INDEX && !wanted.contains_key(**name));
    faults.extend(more.map(|name| format!("{folder}/{name}: nothing has this name")));
    faults
}

/// Each alert, and the last part of the link that it bears.
fn alerts(rules: &str) -> BTreeMap<String, String> {
    let mut alerts = BTreeMap::new();
    let mut last = String::new();
    for line in rules.lines().map(str::trim) {
        if let Some(alert) = line.strip_prefix("- alert: ") {
            last = alert.to_owned();
            alerts.insert(last.clone(), "nowhere".to_owned());
        } else if let Some((_, link)) = line.split_once("runbook_url: ") {
            alerts.insert(last.clone(), link.rsplit('/').next().unwrap_or(link).to_owned());
        }
    }
    alerts
}

/// The value of each constant in the modules of reasons. They are read from the source: a list beside the
/// constants could leave one out.
fn reasons(source: &str) -> Vec<String> {
    let modules = source.split("\n/// Reasons of [`condition::").skip(1);
    let constants = modules.flat_map(|module| {
        let module = module.split_once("\n}\n").map_or(module, |(module, _)| module);
        module.lines().filter_map(|line| line.trim().strip_prefix("pub const "))
    });
    constants.filter_map(|constant| Some(constant.split('"').nth(1)?.to_owned())).collect()
}

/// `DuckGooseNoGoose` has `no-goose.md`, and so has `NoGoose`.
fn page_of(name: &str) -> String {
    let name = name.strip_prefix("DuckGoose").unwrap_or(name);
    let mut page = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !page.is_empty() {
            page.push('-');
        }
        page.extend(letter.to_lowercase());
    }
    page + ".md"
}

const RULES: &str = "charts/duckduckgoose/templates/prometheusrule.yaml";
const ALERT_PAGES: &str = "docs/runbooks";
const REASONS: &str = "crates/api/src/status.rs";
const REASON_PAGES: &str = "docs/runbooks/conditions";
const INDEX: &str = "README.md";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_and_reasons_are_found() {
        let rules = "- alert: DuckGooseA\n  runbook_url: {{ $x }}/a.md\n- alert: DuckGooseB\n";
        let found: Vec<_> = alerts(rules).into_iter().collect();
        let wanted = [("DuckGooseA", "a.md"), ("DuckGooseB", "nowhere")];
        assert_eq!(found, wanted.map(|(alert, link)| (alert.to_owned(), link.to_owned())));

        let source = "/// Types of x.\npub mod condition {\n    pub const A: &str = \"No\";\n}\n\n\
            /// Reasons of [`condition::A`].\npub mod a {\n    /// True.\n    pub const B: &str = \"Yes\";\n}\n\
            /// Else.\npub const C: &str = \"No\";\n";
        assert_eq!(reasons(source), ["Yes"]);
    }

    #[test]
    fn each_has_its_page_and_each_page_is_ones() {
        let pages = [
            Page::read("r/README.md", "[a](a-b.md)"),
            Page::read("r/a-b.md", "# AB"),
            Page::read("r/of-nobody.md", "# OfNobody"),
            Page::read("r/deeper/c.md", "# C"),
        ];
        let wanted = ["AB", "C"].map(|name| (page_of(name), name.to_owned()));
        assert_eq!(wanted[0].0, "a-b.md");
        let faults = missing("r", &BTreeMap::from(wanted), &pages);
        let wanted = [
            "r: C wants a page c.md",
            "r/README.md: wanted a link to c.md",
            "r/of-nobody.md: nothing has this name",
        ];
        assert_eq!(faults, wanted);
    }
}
