//! Who may be connected, and for how long.
//!
//! Open connections are counted. When there are nearly as many as may be, the one
//! that has waited longest for a request makes room for the newcomer: a flood of
//! idle or slow clients keeps no probe out. A few places are spare, so that the
//! newcomer need not wait until that one has gone, unless they are taken, too.
//! Those in the middle of an answer are never chosen for it; the ones that last,
//! streams and waits, have bounds of their own. Who was chosen goes, also where a
//! request of its comes at that very moment: a client that keeps idle connections
//! open has to bear that from any server.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use futures::future::join_all;
use tokio::net::TcpListener;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use crate::http::connection;

/// The bounds that keep the sidecar small whatever its clients do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time.
    pub connections: usize,
    /// For how long a connection may go without a whole request's head: idle
    /// ones and slow ones alike.
    pub head: Duration,
    /// For how long a client may leave unread what was sent to it.
    pub unread: Duration,
}

/// The connections that are open.
pub struct Connections {
    free: Arc<Semaphore>,
    spare: usize,
    waiting: Mutex<Waiting>,
}

/// Those that wait for a request, the longest-waiting first.
#[derive(Default)]
struct Waiting {
    last: u64,
    by_turn: BTreeMap<u64, Arc<Notify>>,
}

/// The place of one connection among the open ones, until it is dropped.
pub struct Place {
    all: Arc<Connections>,
    leave: Arc<Notify>,
    turn: Mutex<Option<u64>>,
    _counted: OwnedSemaphorePermit,
}

/// Takes connections in, for ever.
///
/// # Errors
/// None: whatever keeps one connection from being taken in is over sometime.
pub async fn accept(listeners: Vec<TcpListener>, router: Router, limits: Limits) -> io::Result<()> {
    let connections = Arc::new(Connections::new(limits.connections));
    let each = listeners.iter().map(|listener| take_in(listener, &connections, &router, limits));
    join_all(each).await;
    Ok(())
}

async fn take_in(
    listener: &TcpListener,
    connections: &Arc<Connections>,
    router: &Router,
    limits: Limits,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Some(place) = connections.enter().await {
                    let router = router.clone();
                    tokio::spawn(connection::serve(stream, peer, router, place, limits));
                }
            }
            // Out of file descriptors, most likely: some will be closed soon.
            Err(error) => {
                tracing::debug!(%error, "cannot take a connection in");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

impl Connections {
    /// At most `most` of them.
    pub fn new(most: usize) -> Connections {
        let free = Arc::new(Semaphore::new(most));
        Connections { free, spare: most / SHARE_OF_SPARE, waiting: Mutex::default() }
    }

    /// A place for a newcomer, which waits for its first request; `None` when
    /// all are taken, and each by somebody who is being answered.
    pub async fn enter(self: &Arc<Self>) -> Option<Place> {
        if self.free.available_permits() <= self.spare {
            let longest = self.lock().by_turn.pop_first();
            match longest {
                Some((_, longest)) => longest.notify_one(),
                None if self.free.available_permits() == 0 => return None,
                None => {}
            }
        }
        // Until one has gone: newcomers may come faster than others are closed.
        let counted = Arc::clone(&self.free).acquire_owned().await.ok()?;
        let place = Place {
            all: Arc::clone(self),
            leave: Arc::default(),
            turn: Mutex::new(None),
            _counted: counted,
        };
        place.waits();
        Some(place)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("nothing panics while it counts connections")
    }
}

impl Place {
    /// It waits for a request from now on.
    pub fn waits(&self) {
        let mut waiting = self.all.lock();
        waiting.last += 1;
        let turn = waiting.last;
        waiting.by_turn.insert(turn, Arc::clone(&self.leave));
        let earlier = self.turn().replace(turn);
        earlier.map(|earlier| waiting.by_turn.remove(&earlier));
    }

    /// It is being answered from now on.
    pub fn is_busy(&self) {
        let turn = self.turn().take();
        turn.map(|turn| self.all.lock().by_turn.remove(&turn));
    }

    /// Returns when it has to make room.
    pub async fn given_up(&self) {
        self.leave.notified().await;
    }

    fn turn(&self) -> MutexGuard<'_, Option<u64>> {
        self.turn.lock().expect("nothing panics while it counts connections")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.is_busy();
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            // Each that is slow costs some 20 KB (measured): 10 MB in all. Fewer would let a
            // burst of newcomers push a probe out before its request is there.
            connections: 512,
            head: Duration::from_secs(15),
            unread: Duration::from_secs(15),
        }
    }
}

/// One place of so many is spare: a change of tasks for each newcomer would make a flood's queue
/// last, and a probe in it wait.
const SHARE_OF_SPARE: usize = 16;

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    async fn must_go(place: &Place) -> bool {
        timeout(Duration::from_millis(20), place.given_up()).await.is_ok()
    }

    async fn two(connections: &Arc<Connections>) -> [Place; 2] {
        [connections.enter().await.unwrap(), connections.enter().await.unwrap()]
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_waited_longest_makes_room() {
        let connections = Arc::new(Connections::new(2));
        let [first, second] = two(&connections).await;
        first.is_busy();
        first.waits();
        let mut third = Box::pin(connections.enter());
        // Not before it has gone.
        assert!(timeout(Duration::from_millis(20), &mut third).await.is_err());
        assert!(must_go(&second).await);
        drop(second);
        let third = third.await.unwrap();
        assert!(!must_go(&first).await && !must_go(&third).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_gets_a_spare_place_before_the_one_that_waited_longest_has_gone() {
        let connections = Arc::new(Connections::new(SHARE_OF_SPARE));
        let mut places = Vec::new();
        for _ in 1..SHARE_OF_SPARE {
            places.push(connections.enter().await.unwrap());
        }
        assert!(!must_go(&places[0]).await);
        let last = timeout(Duration::from_millis(20), connections.enter()).await;
        assert!(last.is_ok() && must_go(&places[0]).await && !must_go(&places[1]).await);
        assert!(timeout(Duration::from_millis(20), connections.enter()).await.is_err());
        assert!(must_go(&places[1]).await);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_who_is_being_answered_makes_room() {
        let connections = Arc::new(Connections::new(2));
        let [first, second] = two(&connections).await;
        first.is_busy();
        second.is_busy();
        assert!(connections.enter().await.is_none());
        drop(first);
        assert!(connections.enter().await.is_some());
        assert!(!must_go(&second).await);
    }
}
