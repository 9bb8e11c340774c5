//! Starts and stops it all; what can be waited for.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use history::History;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::asker::Asker;
use crate::board::Board;
use crate::clock::Clock;
use crate::error::Error;
use crate::scope::Scope;
use crate::seen::{Goose, Seen};
use crate::way::Way;
use crate::{lease, pods};

/// An observation that goes on until it is stopped or dropped.
pub struct Observer {
    board: Arc<Board>,
    clock: Clock,
    /// Of the observer's own thread.
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Observer {
    /// Begins to observe the pods of a cluster and its Lease.
    ///
    /// # Errors
    /// Where the kubeconfig cannot be used.
    pub async fn start(scope: Scope) -> Result<Self, Error> {
        let config = config(scope.kubeconfig.as_deref(), scope.context.as_deref()).await?;
        Self::on_a_thread(move |board, clock| async move {
            let Ok(client) = Client::try_from(config) else { return };
            let pods = pods::follow(scope.clone(), client.clone(), board.clone(), clock);
            tokio::join!(pods, lease::follow(scope, client, board, clock));
        })
    }

    /// Begins to ask members that are no pods, by name and address: there are no labels then, and
    /// no Lease.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn of_processes(members: Vec<(String, SocketAddr)>) -> Result<Self, Error> {
        Self::on_a_thread(move |board, clock| async move {
            let askers = members.into_iter().map(|(name, address)| {
                let name: Arc<str> = name.into();
                let way = Way::Direct(address);
                board.note(|seen| seen.introduce(&name, way.clone()));
                let asker = Asker::new(&name, &name, way, None, clock);
                pods::ask_on(asker, board.clone(), Arc::new(AtomicBool::new(false)))
            });
            futures::future::join_all(askers).await;
        })
    }

    /// The time now, on the clock of the history.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Looks at what is known now.
    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        self.board.look(look)
    }

    /// Waits until `look` finds something in what is known.
    ///
    /// # Errors
    /// Where it does not in time: says what was wanted, and how things stand.
    pub async fn until<T>(
        &self,
        wanted: &str,
        within: Duration,
        look: impl FnMut(&Seen) -> Option<T>,
    ) -> Result<T, Error> {
        self.board.until(wanted, within, look).await
    }

    /// Waits until somebody is Goose.
    ///
    /// # Errors
    /// As [`until`](Self::until).
    pub async fn goose(&self, within: Duration) -> Result<Goose, Error> {
        self.until("a Goose", within, Seen::goose).await
    }

    /// Waits for the first answer of a Goose in a later term than this.
    ///
    /// # Errors
    /// As [`until`](Self::until).
    pub async fn goose_after(&self, term: u64, within: Duration) -> Result<Goose, Error> {
        let wanted = format!("a Goose in a later term than {term}");
        self.until(&wanted, within, |seen| {
            // By who is Goose now first: the history is long.
            seen.goose().filter(|goose| goose.term > term)?;
            Goose::of(seen.history.first_goose_of_later_term(term)?)
        })
        .await
    }

    /// Waits until there are so many members, all ready and answering, exactly one of them Goose,
    /// and the labels say the same. Returns the Goose; of no members, none.
    ///
    /// # Errors
    /// As [`until`](Self::until).
    pub async fn settled(&self, count: usize, within: Duration) -> Result<Option<Goose>, Error> {
        let wanted = format!("{count} ready pods, one of them Goose in word and label");
        self.until(&wanted, within, |seen| seen.is_settled(count).then(|| seen.goose())).await
    }

    /// Asks a member over so many connections more, for a while: 200 times a second over each. Does
    /// nothing where there is no way to it.
    pub fn crowd(&self, pod: &str, connections: usize, lasts: Duration) {
        self.crowd_later(pod, connections, Duration::ZERO, lasts);
    }

    /// The same, but only the connections are made at once: the questions come later.
    ///
    /// Who is frozen meanwhile finds the questions on connections that it knows, and answers them
    /// before it looks at anything else.
    pub fn crowd_later(&self, pod: &str, connections: usize, later: Duration, lasts: Duration) {
        let found = self.look(|seen| {
            let member = seen.member(pod)?;
            Some((member.uid.clone(), member.pod.clone(), member.way.clone()?))
        });
        let Some((uid, pod, way)) = found else { return };
        for _ in 0..connections {
            let mut asker = Asker::new(&uid, &pod, way.clone(), None, self.clock);
            let board = self.board.clone();
            self.runtime.spawn(async move {
                asker.connect_ahead().await;
                tokio::time::sleep(later).await;
                let asking = pods::ask_on(asker, board, Arc::new(AtomicBool::new(false)));
                let _ = tokio::time::timeout(lasts, asking).await;
            });
        }
    }

    /// Ends the observation, and returns all that was seen. There is nothing more to see after it.
    pub fn stop(&mut self) -> History {
        self.end();
        self.board.take().history
    }

    fn on_a_thread<Work: Future<Output = ()>>(
        work: impl FnOnce(Arc<Board>, Clock) -> Work + Send + 'static,
    ) -> Result<Self, Error> {
        let (stop, stopped) = oneshot::channel();
        let (board, clock) = (Arc::new(Board::new()), Clock::start());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Error::Thread)?;
        let (for_work, handle) = (board.clone(), runtime.handle().clone());
        let thread = std::thread::Builder::new().name("observer".to_owned()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    // Also when the observer is dropped.
                    _ = stopped => {}
                    () = work(for_work, clock) => {}
                }
            });
        });
        let thread = Some(thread.map_err(Error::Thread)?);
        Ok(Self { board, clock, runtime: handle, stop: Some(stop), thread })
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panicked where it does not return: what was seen so far is all there is.
            let _ = thread.join();
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.end();
    }
}

async fn config(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Config, Error> {
    let unusable = |error: &dyn std::fmt::Display| Error::Client(error.to_string());
    let options =
        KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let kubeconfig = match kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::from_env().and_then(|found| found.map_or_else(Kubeconfig::read, Ok)),
    };
    let kubeconfig = kubeconfig.map_err(|error| unusable(&error))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let mut config = config.map_err(|error| unusable(&error))?;
    // What is seen is what happened.
    config.default_retry = false;
    Ok(config)
}
