//! The signals that the wrapper passes on to the command.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

/// Signals that have arrived and were not passed on yet.
pub struct Signals(Vec<(Signal, unix::Signal)>);

impl Signals {
    /// Begins to catch them: from here on none ends this process.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn listen() -> io::Result<Signals> {
        let caught = PASSED_ON.into_iter().chain([Signal::CHILD]);
        let each = caught.map(|it| Ok((it, signal(SignalKind::from_raw(it.as_raw()))?)));
        Ok(Signals(each.collect::<io::Result<_>>()?))
    }

    /// The next one; `CHILD` says that a child has ended.
    pub async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            let mut arrived = self.0.iter_mut().filter_map(|(signal, stream)| {
                stream.poll_recv(context).is_ready().then_some(*signal)
            });
            arrived.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// What people and Kubernetes send to a program, or a program to itself.
const PASSED_ON: [Signal; 7] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
];
