//! The loop: does what the machine wants, and tells it what came of it.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::driver::calls::LeaseClient;
use crate::driver::elector::Elector;
use crate::driver::follow::follow;
use crate::driver::state::Job;
use crate::member::Input;

/// Drives the member until it was shut down and has nothing left to say.
pub(super) async fn run(
    elector: Elector,
    client: Arc<LeaseClient>,
    mut jobs: UnboundedReceiver<Vec<Job>>,
) {
    // Each write in a task of its own: none makes another, or the watch, wait.
    let mut writes = JoinSet::new();
    let mut following = pin!(follow(&elector, &client));
    while !elector.is_done() {
        let longest = elector.turn();
        tokio::select! {
            Some(wanted) = jobs.recv() => for job in wanted {
                match job {
                    Job::Write(write, base) => {
                        let (client, elector) = (Arc::clone(&client), elector.clone());
                        writes.spawn(async move {
                            elector.permits(&write.record).await;
                            let left = Instant::now();
                            let answer = client.write(&base, &write, elector.illness().as_deref()).await;
                            (write.record.attempt, answer, left.elapsed())
                        });
                    }
                    Job::Resync => {
                        client.distrust();
                        following.set(follow(&elector, &client));
                    }
                }
            },
            Some(Ok((attempt, answer, took))) = writes.join_next() => {
                elector.written(attempt, answer, took);
            }
            () = sleep(longest) => elector.tell(Input::Tick, None),
            never = &mut following => match never {},
        }
    }
    elector.has_ended();
}
