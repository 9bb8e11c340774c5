//! A server, and one member of its election.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use duckduckgoose_election::driver::{Access, Elector, Settings};
use duckduckgoose_election::lease::{RECORD, STAMP, SUCCESSORS};
use duckduckgoose_election::member::{Config, Role};
use duckduckgoose_election::record::{Incarnation, Record};
use duckduckgoose_election::timing::Timing;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::identity::Identity;
use crate::server::Server;

/// A lease of 6 s, renewed every 2 s, and somebody who holds it at first.
pub struct Pond {
    pub server: Server,
    pub identity: Identity,
    folder: TempDir,
}

impl Pond {
    pub fn new() -> Pond {
        let identity = Identity::new();
        let server = Server::start(&identity, lease(&record(Some(other()))));
        let folder = tempfile::tempdir().expect("a folder");
        let pond = Pond { server, identity, folder };
        pond.trust_the_server();
        pond.set_token("first");
        std::fs::write(pond.kubeconfig(), pond.as_kubeconfig()).expect("it is written");
        pond
    }

    /// A member that has seen somebody else lead.
    pub async fn duck(&self) -> Elector {
        let elector = self.join();
        until("the member has read the Lease", || elector.has_read()).await;
        until("it watches", || !self.server.content().seen.watches.is_empty()).await;
        elector
    }

    /// A member that leads, and has renewed once.
    pub async fn goose(&self) -> Elector {
        let elector = self.duck().await;
        self.release();
        until("the first renewal is applied", || self.attempt() == Some(2)).await;
        elector
    }

    /// The one that led before gives its role up.
    pub fn release(&self) {
        self.server.change(|lease| *lease = with(lease.clone(), &record(None)));
    }

    pub fn join(&self) -> Elector {
        let member = Config { me: me(), timing: Timing::default(), jitter: 0 };
        let settings = Settings { namespace: "default".into(), lease: "pond".into(), member };
        Elector::join_through(Access::Kubeconfig(self.kubeconfig()), settings)
    }

    /// The number of the write of the member that was applied last.
    pub fn attempt(&self) -> Option<u64> {
        let record = self.record();
        (record.holder == Some(me())).then_some(record.attempt)
    }

    pub fn record(&self) -> Record {
        let lease = self.server.content().lease.clone();
        Record::parse(lease["metadata"]["annotations"][RECORD].as_str()).expect("a record")
    }

    /// The member applies a write that it has not applied yet.
    pub async fn renewed_again(&self) {
        let before = self.attempt().expect("the member leads");
        until("it renews again", || self.attempt() > Some(before)).await;
    }

    /// The client's file of certificate authorities names the server's own.
    pub fn trust_the_server(&self) {
        std::fs::write(self.folder.path().join("ca.crt"), &self.identity.authority)
            .expect("it is written");
    }

    /// From now on this token is let in, and it is the one in the client's file.
    pub fn set_token(&self, token: &str) {
        self.server.content().token = token.to_owned();
        std::fs::write(self.folder.path().join("token"), token).expect("it is written");
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// JSON is YAML.
    fn as_kubeconfig(&self) -> String {
        let server = format!("https://127.0.0.1:{}", self.server.port);
        let folder = self.folder.path();
        let cluster = json!({"server": server, "certificate-authority": folder.join("ca.crt")});
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "pond",
            "contexts": [{"name": "pond", "context": {"cluster": "pond", "user": "pond"}}],
            "clusters": [{"name": "pond", "cluster": cluster}],
            "users": [{"name": "pond", "user": {"tokenFile": folder.join("token")}}],
        });
        kubeconfig.to_string()
    }
}

/// Asks for the role all the time: whether a Goose was ever a Duck.
pub struct Reign {
    lost: Arc<AtomicBool>,
    asking: tokio::task::JoinHandle<()>,
}

impl Reign {
    pub fn of(elector: &Elector) -> Reign {
        let (elector, lost) = (elector.clone(), Arc::new(AtomicBool::new(false)));
        let seen = Arc::clone(&lost);
        let asking = tokio::spawn(async move {
            loop {
                seen.fetch_or(elector.role() == Role::Duck, Ordering::Relaxed);
                sleep(Duration::from_millis(5)).await;
            }
        });
        Reign { lost, asking }
    }

    /// It was Goose all the time.
    #[track_caller]
    pub fn was_never_lost(self) {
        self.asking.abort();
        assert!(!self.lost.load(Ordering::Relaxed), "the Goose was a Duck in between");
    }
}

/// Waits, for as long as a slow machine may take.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let limit = Instant::now() + Duration::from_secs(30);
    async move {
        while !is_so() {
            assert!(Instant::now() < limit, "wanted within 30 s: {what}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn lease(record: &Record) -> Value {
    let metadata = json!({
        "name": "pond",
        "namespace": "default",
        "uid": "u",
        "annotations": {STAMP: "u", SUCCESSORS: me().pod_uid()},
    });
    with(json!({"metadata": metadata, "spec": {}}), record)
}

fn with(mut lease: Value, record: &Record) -> Value {
    lease["metadata"]["annotations"][RECORD] = json!(record.to_text());
    lease
}

fn record(holder: Option<Incarnation>) -> Record {
    let released = holder.is_none();
    Record { holder, released, ..Record::quarantine(1, Timing::default().lease()) }
}

fn me() -> Incarnation {
    Incarnation::new("pond-0", "p0", "a").expect("plain parts")
}

fn other() -> Incarnation {
    Incarnation::new("pond-1", "p1", "a").expect("plain parts")
}
