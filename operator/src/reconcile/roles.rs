//! Rule 12: the role labels, carried out.

use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;

use super::{Pass, may_still_arrive};
use crate::api_error::{CallFailed, Treatment};
use crate::calls;
use crate::decide::labels::{self, LabelWrite};

impl Pass<'_> {
    /// Makes the labels true: off all others, and when all of that is done, on the Goose's pod.
    pub(super) async fn keep_labels(&mut self) {
        let holder = self.record.as_ref().and_then(|record| record.holder.as_ref());
        let pods = self.memory.newest_pods(&self.pods);
        self.memory.unsettled.retain(|pod| pod.is_still_so(&pods));
        let plan = labels::plan(&pods, holder, self.context.tenure(), &self.memory.unsettled);
        let quiet = self.quiet();
        if plan.inherits && !quiet.is_zero() {
            return self.look_again_in(quiet);
        }
        if self.write_labels(plan.ducks).await {
            self.write_labels(plan.goose.into_iter().collect()).await;
        }
    }

    /// Whether all of them are written. A pod that is no more bears no label.
    async fn write_labels(&mut self, writes: Vec<LabelWrite>) -> bool {
        let (client, namespace) = (&self.context.client, self.owner.namespace.as_str());
        let written: Vec<_> = futures::stream::iter(writes)
            .map(|write| attempt(client, namespace, write))
            .buffer_unordered(LABELS_AT_ONCE)
            .collect()
            .await;
        let mut well = true;
        for (write, answer) in written {
            match answer {
                Ok(answer) => self.memory.labelled(answer),
                Err(failure) if failure.treatment == Treatment::Gone => (),
                Err(failure) => {
                    well = false;
                    if may_still_arrive(&failure) {
                        self.memory.unsettled.push(write.target);
                    }
                    self.note(failure);
                }
            }
        }
        well
    }
}

async fn attempt(
    client: &Client,
    namespace: &str,
    write: LabelWrite,
) -> (LabelWrite, Result<ObjectMeta, CallFailed>) {
    let answer = calls::label(client, namespace, &write).await;
    (write, answer)
}

const LABELS_AT_ONCE: usize = 16;
