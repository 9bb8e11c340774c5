//! Rule 12 for traffic: the EndpointSlices of the Goose's Service lead to the Goose or to nobody.
//!
//! One slice for each family of addresses that its pod has. Each write names the slice's uid and
//! resourceVersion. One write moves a slice; where both families must move, both are emptied, and
//! the next pass fills them, so that at no time two pods are led to.
//!
//! A late write is kept out as with labels (see `labels`): a slice that an earlier run of the
//! operator wrote is written once by this one, and so is one that a write of ours may still be on
//! its way to.

use std::net::IpAddr;
use std::sync::Arc;

use api::names::{FIELD_MANAGER, TERM_ANNOTATION, goose_service};
use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use kube::{Resource, ResourceExt};

use super::labels::{OPERATOR_ANNOTATION, Tenure};
use super::owner::Owner;
use super::pods::{is_going, is_serving, node};
use super::ports::Port;
use super::problem::Problem;

/// What the slices are decided from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The cluster.
    pub owner: &'a Owner,
    /// What is passed on.
    pub ports: &'a [Port],
    /// The pod of the Goose and its term, as the record has them.
    pub goose: Option<(&'a Pod, u64)>,
    /// The slices as they are.
    pub slices: &'a [Arc<EndpointSlice>],
    /// This run of the operator.
    pub tenure: &'a Tenure,
    /// Versions of slices that a write of ours may still arrive at, by uid and resourceVersion.
    pub unsettled: &'a [SliceVersion],
}

/// One version of one slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceVersion {
    uid: String,
    version: String,
}

/// The writes that make the slices true.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrafficPlan {
    /// First, in any order, and all of them.
    pub first: Vec<SliceWrite>,
    /// Then these.
    pub then: Vec<SliceWrite>,
    /// Whether one of them is to a slice that an earlier run of the operator wrote.
    pub inherits: bool,
    /// What people must know.
    pub problems: Vec<Problem>,
}

/// One write of one slice.
#[derive(Clone, Debug, PartialEq)]
pub enum SliceWrite {
    /// Make it: there is none of its name.
    Create(EndpointSlice),
    /// Put it in the place of exactly the version that was seen.
    Replace(EndpointSlice),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl SliceVersion {
    /// The slice as it is seen, or as it was to be replaced.
    pub fn of(slice: &EndpointSlice) -> SliceVersion {
        let version = slice.resource_version().unwrap_or_default();
        SliceVersion { uid: slice.uid().unwrap_or_default(), version }
    }

    /// Whether one of the slices is still of this version.
    pub fn is_still_so(&self, slices: &[Arc<EndpointSlice>]) -> bool {
        slices.iter().any(|slice| SliceVersion::of(slice) == *self)
    }
}

/// What to write so that the slices lead to the Goose's pod, or to nobody.
pub fn plan(now: Situation) -> TrafficPlan {
    let mut plan = TrafficPlan::default();
    let mut moved = Vec::new();
    for family in [Family::V4, Family::V6] {
        let wanted = wanted(now, family);
        let seen = now.slices.iter().find(|slice| slice.name_any() == name(now.owner, family));
        let Some(seen) = seen else {
            // What leads nowhere need not exist.
            if !leads_to(&wanted).is_empty() {
                plan.then.push(SliceWrite::Create(wanted));
            }
            continue;
        };
        let standing = now.owner.standing(&seen.metadata);
        let called = format!("EndpointSlice {}", seen.name_any());
        if let Some(problem) = Problem::from_standing(&called, &standing) {
            plan.problems.push(problem);
            continue;
        }
        let unmarked = !is_marked(seen, now.tenure);
        let unsettled = now.unsettled.contains(&SliceVersion::of(seen));
        if !unmarked && !unsettled && is_as(seen, &wanted) {
            continue;
        }
        plan.inherits |= unmarked;
        let write = replacing(seen, wanted, now.tenure);
        let leaves = leads_to(seen).iter().any(|uid| !leads_to(&write).contains(uid));
        if leaves { moved.push(write) } else { plan.then.push(SliceWrite::Replace(write)) }
    }
    let alone = moved.len() == 1 && plan.then.is_empty();
    let emptied = |slice| EndpointSlice { endpoints: Some(Vec::new()), ..slice };
    let first = moved.into_iter().map(|slice| if alone { slice } else { emptied(slice) });
    plan.first = first.map(SliceWrite::Replace).collect();
    plan
}

/// The slice as it is to be, without uid and resourceVersion.
fn wanted(now: Situation, family: Family) -> EndpointSlice {
    let mut metadata = now.owner.metadata(&name(now.owner, family));
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(SERVICE_NAME_LABEL.to_owned(), goose_service(&now.owner.name));
    labels.insert(SLICE_MANAGED_BY_LABEL.to_owned(), FIELD_MANAGER.to_owned());
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.insert(OPERATOR_ANNOTATION.to_owned(), now.tenure.mark.clone());
    if let Some((_, term)) = now.goose {
        annotations.insert(TERM_ANNOTATION.to_owned(), term.to_string());
    }
    let ports = now.ports.iter().map(|port| EndpointPort {
        name: Some(port.name.clone()),
        port: Some(port.number),
        protocol: Some(port.protocol.clone()),
        ..EndpointPort::default()
    });
    let endpoint = now.goose.and_then(|(pod, _)| endpoint(pod, family));
    EndpointSlice {
        metadata,
        address_type: family.address_type().to_owned(),
        endpoints: Some(endpoint.into_iter().collect()),
        ports: Some(ports.collect()),
    }
}

/// The pod as an endpoint; `None` where it has no address of the family.
fn endpoint(pod: &Pod, family: Family) -> Option<Endpoint> {
    let addresses = addresses(pod).filter(|address| family.has(address));
    let addresses: Vec<String> = addresses.map(|address| address.to_string()).take(1).collect();
    let (serving, going) = (is_serving(pod), is_going(pod));
    (!addresses.is_empty()).then(|| Endpoint {
        addresses,
        conditions: Some(EndpointConditions {
            ready: Some(serving && !going),
            serving: Some(serving),
            terminating: Some(going),
        }),
        node_name: node(pod).map(str::to_owned),
        target_ref: Some(ObjectReference {
            kind: Some(Pod::kind(&()).into_owned()),
            namespace: pod.namespace(),
            name: Some(pod.name_any()),
            uid: pod.uid(),
            ..ObjectReference::default()
        }),
        ..Endpoint::default()
    })
}

/// The pod's addresses.
pub fn addresses(pod: &Pod) -> impl Iterator<Item = IpAddr> {
    let addresses = pod.status.iter().flat_map(|status| status.pod_ips.iter().flatten());
    addresses.filter_map(|address| address.ip.parse().ok())
}

/// The uids of the pods that the slice leads to.
fn leads_to(slice: &EndpointSlice) -> Vec<&str> {
    let endpoints = slice.endpoints.iter().flatten();
    endpoints.filter_map(|endpoint| endpoint.target_ref.as_ref()?.uid.as_deref()).collect()
}

/// Whether all that is wanted is so.
fn is_as(seen: &EndpointSlice, wanted: &EndpointSlice) -> bool {
    let labelled = wanted.labels().iter().all(|(key, value)| seen.labels().get(key) == Some(value));
    let term = |slice: &EndpointSlice| slice.annotations().get(TERM_ANNOTATION).cloned();
    labelled
        && term(seen) == term(wanted)
        && seen.endpoints.iter().flatten().eq(wanted.endpoints.iter().flatten())
        && seen.ports.iter().flatten().eq(wanted.ports.iter().flatten())
}

/// The whole object: what is wanted, and all of its metadata that is not ours.
fn replacing(seen: &EndpointSlice, wanted: EndpointSlice, tenure: &Tenure) -> EndpointSlice {
    let mut slice = EndpointSlice { metadata: seen.metadata.clone(), ..wanted };
    slice.labels_mut().extend(wanted.metadata.labels.unwrap_or_default());
    slice.annotations_mut().remove(TERM_ANNOTATION);
    slice.annotations_mut().extend(wanted.metadata.annotations.unwrap_or_default());
    // Unlike any before: a write that changes nothing would leave the resourceVersion as it is.
    let mark = format!("{}.{}", tenure.mark, seen.resource_version().unwrap_or_default());
    slice.annotations_mut().insert(OPERATOR_ANNOTATION.to_owned(), mark);
    slice
}

fn is_marked(slice: &EndpointSlice, tenure: &Tenure) -> bool {
    let mark = slice.annotations().get(OPERATOR_ANNOTATION);
    mark.is_some_and(|mark| mark.starts_with(&tenure.mark))
}

fn name(owner: &Owner, family: Family) -> String {
    let service = goose_service(&owner.name);
    format!("{service}-{}", family.address_type().to_lowercase())
}

impl Family {
    fn address_type(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }

    fn has(self, address: &IpAddr) -> bool {
        address.is_ipv4() == (self == Family::V4)
    }
}

/// By this label kube-proxy finds the slices of a Service.
const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

/// By this label the controllers of Kubernetes leave alone what is not theirs.
pub const SLICE_MANAGED_BY_LABEL: &str = "endpointslice.kubernetes.io/managed-by";

#[cfg(test)]
mod tests {
    use api::status::reconciled;
    use k8s_openapi::api::core::v1::PodIP;

    use super::super::pods::sample;
    use super::*;

    const V4: &str = "10.0.0.";
    const V6: &str = "fd00::";

    fn pond() -> Owner {
        Owner { name: "pond".into(), namespace: "ns".into(), uid: "u".into() }
    }

    fn web() -> Vec<Port> {
        vec![Port { name: "web".into(), number: 80, protocol: "TCP".into() }]
    }

    fn run(mark: &str) -> Tenure {
        Tenure { mark: mark.into(), ..Tenure::default() }
    }

    /// `pond-<ordinal>` with an address of each of these networks.
    fn pod(ordinal: u32, networks: &[&str]) -> Pod {
        let mut pod = sample::pod(ordinal, "duck", true);
        let addresses = networks.iter().map(|net| PodIP { ip: format!("{net}{ordinal}") });
        pod.status.as_mut().unwrap().pod_ips = Some(addresses.collect());
        pod
    }

    fn decided(goose: Option<&Pod>, slices: &[Arc<EndpointSlice>], tenure: &Tenure) -> TrafficPlan {
        let goose = goose.map(|pod| (pod, 5));
        let (owner, ports) = (&pond(), &web());
        plan(Situation { owner, ports, goose, slices, tenure, unsettled: &[] })
    }

    /// As the API server would have the slices after these writes.
    fn written(writes: &[SliceWrite]) -> Vec<Arc<EndpointSlice>> {
        let with_version = |(write, n): (&SliceWrite, usize)| {
            let (SliceWrite::Create(slice) | SliceWrite::Replace(slice)) = write;
            let mut slice = slice.clone();
            slice.metadata.uid.get_or_insert(format!("s{n}"));
            let before: usize =
                slice.resource_version().map_or(0, |before| before.parse().unwrap());
            slice.metadata.resource_version = Some((before + 10 + n).to_string());
            Arc::new(slice)
        };
        writes.iter().zip(0..).map(with_version).collect()
    }

    /// The slices that lead to this pod.
    fn leading_to(pod: &Pod) -> Vec<Arc<EndpointSlice>> {
        written(&decided(Some(pod), &[], &run("a")).then)
    }

    /// What is written, in words: the kind of write, and the pod that it leads to.
    fn words(writes: &[SliceWrite]) -> Vec<String> {
        let word = |write: &SliceWrite| {
            let (kind, slice) = match write {
                SliceWrite::Create(slice) => ("create", slice),
                SliceWrite::Replace(slice) => ("replace", slice),
            };
            format!("{kind} {} {}", slice.address_type, leads_to(slice).join(" ")).trim().to_owned()
        };
        writes.iter().map(word).collect()
    }

    #[test]
    fn it_leads_to_the_goose_or_to_nobody_and_never_to_two() {
        let (one, both) = ([V4].as_slice(), [V4, V6].as_slice());
        for (from, to, first, then) in [
            (None, None, vec![], vec![]),
            (None, Some(pod(0, one)), vec![], vec!["create IPv4 p0"]),
            (None, Some(pod(0, both)), vec![], vec!["create IPv4 p0", "create IPv6 p0"]),
            // Gone: empty at once.
            (Some(pod(0, one)), None, vec!["replace IPv4"], vec![]),
            (Some(pod(0, both)), None, vec!["replace IPv4", "replace IPv6"], vec![]),
            // Moved: in one write where it is one slice, and through empty ones else.
            (Some(pod(0, one)), Some(pod(1, one)), vec!["replace IPv4 p1"], vec![]),
            (Some(pod(0, both)), Some(pod(1, both)), vec!["replace IPv4", "replace IPv6"], vec![]),
            (Some(pod(0, both)), Some(pod(1, one)), vec!["replace IPv4", "replace IPv6"], vec![]),
            (Some(pod(0, one)), Some(pod(1, both)), vec!["replace IPv4"], vec!["create IPv6 p1"]),
            // A pod that has no address yet.
            (None, Some(pod(0, &[])), vec![], vec![]),
        ] {
            let slices = from.as_ref().map(leading_to).unwrap_or_default();
            let plan = decided(to.as_ref(), &slices, &run("a"));
            let found = (words(&plan.first), words(&plan.then));
            let wanted = [first, then].map(|words| words.into_iter().map(str::to_owned).collect());
            let [first, then] = wanted;
            assert_eq!(found, (first, then), "{from:?} {to:?}");
        }
    }

    #[test]
    fn emptied_slices_are_filled_by_the_next_pass_and_then_rest() {
        let (before, after) = (pod(0, &[V4, V6]), pod(1, &[V4, V6]));
        let emptied = written(&decided(Some(&after), &leading_to(&before), &run("a")).first);
        let filling = decided(Some(&after), &emptied, &run("a"));
        assert_eq!(words(&filling.then), ["replace IPv4 p1", "replace IPv6 p1"]);
        let filled = written(&filling.then);
        assert_eq!(decided(Some(&after), &filled, &run("a")), TrafficPlan::default());
    }

    #[test]
    fn each_write_names_the_version_that_was_seen_and_the_term() {
        let seen = leading_to(&pod(0, &[V4]));
        let plan = decided(Some(&pod(1, &[V4])), &seen, &run("a"));
        let [SliceWrite::Replace(slice)] = plan.first.as_slice() else { panic!("{plan:?}") };
        assert_eq!(slice.metadata.uid, seen[0].metadata.uid);
        assert_eq!(slice.metadata.resource_version, seen[0].metadata.resource_version);
        assert_eq!(slice.annotations()[TERM_ANNOTATION], "5");
        assert_eq!(slice.labels()[SERVICE_NAME_LABEL], "pond-goose");
    }

    #[test]
    fn the_goose_that_is_on_its_way_out_is_told_so() {
        let mut going = pod(0, &[V4]);
        going.metadata.deletion_timestamp =
            Some(serde_json::from_value(serde_json::json!("2026-11-24T00:00:00Z")).unwrap());
        let slices = leading_to(&going);
        let endpoint = &slices[0].endpoints.as_ref().unwrap()[0];
        let wanted =
            EndpointConditions { ready: Some(false), serving: Some(true), terminating: Some(true) };
        assert_eq!(endpoint.conditions, Some(wanted));
    }

    #[test]
    fn what_an_earlier_run_wrote_or_may_still_be_written_is_written_once() {
        let goose = pod(0, &[V4]);
        let slices = leading_to(&goose);
        let inherited = decided(Some(&goose), &slices, &run("b"));
        assert!(inherited.inherits);
        let marked = written(&inherited.then);
        assert_eq!(decided(Some(&goose), &marked, &run("b")), TrafficPlan::default());

        let unsettled = [SliceVersion::of(&marked[0])];
        let (owner, ports, tenure) = (pond(), web(), run("b"));
        let again = plan(Situation {
            owner: &owner,
            ports: &ports,
            goose: Some((&goose, 5)),
            slices: &marked,
            tenure: &tenure,
            unsettled: &unsettled,
        });
        assert_eq!(words(&again.then), ["replace IPv4 p0"]);
        assert_ne!(written(&again.then)[0].annotations(), marked[0].annotations());
    }

    #[test]
    fn what_belongs_to_another_is_left_alone() {
        let goose = pod(0, &[V4]);
        let mut slices = leading_to(&goose);
        Arc::make_mut(&mut slices[0]).owner_references_mut()[0].name = "lake".into();
        let plan = decided(None, &slices, &run("a"));
        assert_eq!((plan.first, plan.then), (vec![], vec![]));
        assert_eq!(plan.problems[0].reason, reconciled::NAME_TAKEN);
    }
}
