//! The rights that were used in a whole run of the tests, from the API server's audit log: nothing is
//! asked that is not granted, and nothing is granted that is never asked.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use testbed::Cluster;

use crate::clients::Clients;
use crate::generated::{NAMESPACE, RELEASE};
use crate::screen::Screen;

/// Compares them, for the operator and for the members, and prints the table of docs/security.md.
///
/// # Errors
/// Where a right is missing, or is never used and [`UNUSED`] does not say why.
pub async fn replay(cluster: &Cluster, clients: &Clients, screen: &Screen) -> Result<()> {
    let log = read(&cluster.audit_log())?;
    let by_operator = format!("system:serviceaccount:{NAMESPACE}:{RELEASE}");
    let operator = Account {
        name: "operator",
        granted: granted(
            &clients.kubectl(&["get", "clusterrole", RELEASE, "--output=json"]).await?,
        )?,
        used: used(&log, |user| user == by_operator),
    };
    let members = Account {
        name: "member",
        granted: OF_A_MEMBER.map(|verb| Right::new(verb, "coordination.k8s.io", "leases")).into(),
        used: used(&log, |user| user.ends_with(OF_MEMBERS)),
    };
    let accounts = [operator, members];
    for account in &accounts {
        screen.line(account.table());
    }
    let faults: Vec<_> = accounts.iter().flat_map(Account::faults).collect();
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// A verb on a kind of object, by name of the sub-resource where it is one (`pods/eviction`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    group: String,
    resource: String,
    verb: String,
}

/// What an account may do and what it did.
struct Account {
    name: &'static str,
    granted: BTreeSet<Right>,
    used: Used,
}

#[derive(Default)]
struct Used {
    rights: BTreeSet<Right>,
    refused: BTreeSet<Right>,
}

impl Account {
    fn faults(&self) -> Vec<String> {
        let name = self.name;
        // What was allowed before or after was forbidden for a moment: while helm takes the role away.
        let missing = self.used.refused.difference(&self.used.rights).map(|right| {
            format!("the {name} asked to {right} and was forbidden: grant it in the chart, or do not ask")
        });
        let idle = self.unused().filter(|right| reason(right).is_none()).map(|right| {
            format!("the {name} may {right} and never did: take it out of the chart, or say in UNUSED why not")
        });
        missing.chain(idle).collect()
    }

    fn unused(&self) -> impl Iterator<Item = &Right> {
        self.granted.difference(&self.used.rights)
    }

    /// In Markdown, an object a row.
    fn table(&self) -> String {
        let kinds: BTreeSet<_> =
            self.granted.iter().map(|right| (&right.group, &right.resource)).collect();
        let rows = kinds.into_iter().map(|(group, resource)| {
            let of_kind = |right: &&Right| (&right.group, &right.resource) == (group, resource);
            let (used, unused): (Vec<_>, Vec<_>) =
                self.granted.iter().filter(of_kind).partition(|it| self.used.rights.contains(it));
            let group = if group.is_empty() { "core" } else { group };
            let (used, unused) = (verbs(&used), verbs(&unused));
            format!("| {} | {group} | `{resource}` | {used} | {unused} |", self.name)
        });
        let head =
            ["| who | group | resource | used | granted and not used |", "|---|---|---|---|---|"];
        head.into_iter().map(str::to_owned).chain(rows).collect::<Vec<_>>().join("\n")
    }
}

impl Right {
    fn new(verb: &str, group: &str, resource: &str) -> Self {
        Self { group: group.to_owned(), resource: resource.to_owned(), verb: verb.to_owned() }
    }
}

fn verbs(rights: &[&Right]) -> String {
    rights.iter().map(|right| right.verb.as_str()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, resource, verb } = self;
        if group.is_empty() {
            write!(f, "{verb} {resource}")
        } else {
            write!(f, "{verb} {resource}.{group}")
        }
    }
}

/// Why a right that no test uses is granted all the same.
fn reason(right: &Right) -> Option<&'static str> {
    let found = UNUSED
        .iter()
        .find(|(verb, resource, _)| (*verb, *resource) == (&right.verb, &right.resource));
    found.map(|(_, _, why)| *why)
}

fn granted(role: &str) -> Result<BTreeSet<Right>> {
    let role: Role = serde_json::from_str(role).context("wanted a role as JSON")?;
    let mut rights = BTreeSet::new();
    for rule in &role.rules {
        for group in &rule.api_groups {
            for resource in &rule.resources {
                rights.extend(rule.verbs.iter().map(|verb| Right::new(verb, group, resource)));
            }
        }
    }
    Ok(rights)
}

fn read(log: &Path) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(log)
        .with_context(|| format!("wanted the API server's audit log {}", log.display()))?;
    // The last line may be half written.
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn used(log: &[Entry], is_theirs: impl Fn(&str) -> bool) -> Used {
    let mut used = Used::default();
    for entry in log.iter().filter(|entry| is_theirs(&entry.user.username)) {
        let Some(right) = entry.right() else { continue };
        if entry.annotations.decision.as_deref() == Some("forbid") {
            used.refused.insert(right);
            continue;
        }
        // An apply that makes the object is a patch that needs the right to create, too.
        if right.verb == "patch" && entry.response_status.code == CREATED {
            used.rights.insert(Right { verb: "create".to_owned(), ..right.clone() });
        }
        used.rights.insert(right);
    }
    used
}

#[derive(Deserialize)]
struct Role {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
}

/// One line of the audit log: what the comparison needs of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    verb: String,
    user: User,
    object_ref: Option<Object>,
    #[serde(default)]
    response_status: ResponseStatus,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    resource: String,
    #[serde(default)]
    api_group: String,
    subresource: Option<String>,
}

#[derive(Default, Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

#[derive(Default, Deserialize)]
struct Annotations {
    #[serde(rename = "authorization.k8s.io/decision")]
    decision: Option<String>,
}

impl Entry {
    fn right(&self) -> Option<Right> {
        let object = self.object_ref.as_ref()?;
        let resource = match &object.subresource {
            Some(part) => format!("{}/{part}", object.resource),
            None => object.resource.clone(),
        };
        Some(Right::new(&self.verb, &object.api_group, &resource))
    }
}

const CREATED: u16 = 201;

/// Accounts of members are named after their cluster.
const OF_MEMBERS: &str = "-duckgoose";

/// Of their one Lease (tests/light/sidecars_may_do_what_they_need_and_no_more.rs).
const OF_A_MEMBER: [&str; 3] = ["get", "watch", "update"];

/// Verb, resource, and why it is granted.
const UNUSED: [(&str, &str, &str); 2] = [
    (
        "update",
        "duckgooseclusters/finalizers",
        "only where OwnerReferencesPermissionEnforcement is on, for owner references that block a deletion",
    ),
    ("patch", "events", "an Event that comes again is counted up, which no test waits for"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"
{"verb":"patch","user":{"username":"op"},"objectRef":{"resource":"services"},"responseStatus":{"code":201},"annotations":{"authorization.k8s.io/decision":"allow"}}
{"verb":"create","user":{"username":"op"},"objectRef":{"resource":"pods","subresource":"eviction"},"responseStatus":{"code":201},"annotations":{"authorization.k8s.io/decision":"allow"}}
{"verb":"list","user":{"username":"op"},"objectRef":{"resource":"secrets"},"responseStatus":{"code":403},"annotations":{"authorization.k8s.io/decision":"forbid"}}
{"verb":"get","user":{"username":"somebody"},"objectRef":{"resource":"pods"},"annotations":{"authorization.k8s.io/decision":"allow"}}"#;

    fn operator(role: &str) -> Account {
        let log: Vec<Entry> =
            LOG.trim().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Account {
            name: "operator",
            granted: granted(role).unwrap(),
            used: used(&log, |user| user == "op"),
        }
    }

    const ROLE: &str = r#"{"rules":[
        {"apiGroups":[""],"resources":["services"],"verbs":["create","patch","delete"]},
        {"apiGroups":[""],"resources":["pods/eviction"],"verbs":["create"]},
        {"apiGroups":["duckduckgoose.dev"],"resources":["duckgooseclusters/finalizers"],"verbs":["update"]}]}"#;

    #[test]
    fn what_is_missing_and_what_is_idle_are_faults_and_what_has_a_reason_is_none() {
        let faults = operator(ROLE).faults();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("asked to list secrets and was forbidden"), "{faults:?}");
        assert!(faults[1].contains("may delete services and never did"), "{faults:?}");
    }

    #[test]
    fn the_table_has_a_row_for_each_resource() {
        let table = operator(ROLE).table();
        assert!(
            table.contains("| operator | core | `services` | create, patch | delete |"),
            "{table}"
        );
        assert!(table.contains("| operator | core | `pods/eviction` | create |  |"), "{table}");
    }
}
