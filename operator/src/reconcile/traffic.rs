//! Rule 12 for traffic: the EndpointSlices of the Goose's Service, carried out.

use futures::StreamExt;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Client;

use super::{Pass, may_still_arrive};
use crate::api_error::CallFailed;
use crate::calls;
use crate::decide::labels::runs_in;
use crate::decide::ports::ports;
use crate::decide::traffic::{self, SliceVersion, SliceWrite};

impl Pass<'_> {
    /// Makes the slices lead to the Goose, or to nobody.
    pub(super) async fn keep_traffic(&mut self) {
        let slices = self.context.stores.slices_of(&self.owner.name, &self.owner.namespace);
        let slices = self.memory.newest_slices(slices);
        self.memory.unsettled_slices.retain(|slice| slice.is_still_so(&slices));
        let record = self.record.as_ref();
        let holder = record.and_then(|record| Some((record.holder.as_ref()?, record.term)));
        let goose = holder.and_then(|(holder, term)| {
            let pod = self.members.iter().find(|pod| runs_in(holder, pod))?;
            Some((&**pod, term))
        });
        let mut plan = traffic::plan(traffic::Situation {
            owner: &self.owner,
            ports: &ports(&self.cluster.spec.template),
            goose,
            slices: &slices,
            tenure: self.context.tenure(),
            unsettled: &self.memory.unsettled_slices,
        });
        if self.cluster.metadata.deletion_timestamp.is_some() {
            // The garbage collector would take it again at once.
            plan.then.retain(|write| matches!(write, SliceWrite::Replace(_)));
        }
        self.problems.extend(plan.problems);
        let quiet = self.quiet();
        if plan.inherits && !quiet.is_zero() {
            return self.look_again_in(quiet);
        }
        if self.write_slices(plan.first).await {
            self.write_slices(plan.then).await;
        }
    }

    /// Whether all of them are written.
    async fn write_slices(&mut self, writes: Vec<SliceWrite>) -> bool {
        let client = &self.context.client;
        let written: Vec<_> = futures::stream::iter(writes)
            .map(|write| attempt(client, write))
            .buffer_unordered(BOTH_FAMILIES)
            .collect()
            .await;
        let mut well = true;
        for (version, answer) in written {
            match answer {
                Ok(answer) => self.memory.wrote_slice(answer),
                Err(failure) => {
                    well = false;
                    if may_still_arrive(&failure) {
                        self.memory.unsettled_slices.extend(version);
                    }
                    self.note(failure);
                }
            }
        }
        well
    }
}

/// The answer, and which version was to be replaced.
async fn attempt(
    client: &Client,
    write: SliceWrite,
) -> (Option<SliceVersion>, Result<EndpointSlice, CallFailed>) {
    match write {
        SliceWrite::Create(slice) => (None, calls::create_slice(client, &slice).await),
        SliceWrite::Replace(slice) => {
            (Some(SliceVersion::of(&slice)), calls::replace_slice(client, &slice).await)
        }
    }
}

const BOTH_FAMILIES: usize = 2;
