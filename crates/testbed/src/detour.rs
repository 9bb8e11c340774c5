//! A way between the pods and the API server that is longer than the usual one.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::cluster::Cluster;
use crate::error::Error;
use crate::netns;
use crate::plan::Plan;
use crate::tool::run_line;

/// Everything that the API server says to all pods, or to one, comes so much later, until this ends or is dropped.
///
/// What pods say is not delayed, nor are the handshakes at the start of a connection. Connections that were open before are broken, at the beginning and
/// at the end: the way of a connection cannot be changed.
#[derive(Debug)]
pub struct Detour {
    plan: Plan,
    /// Whose connections.
    source: String,
    /// Ends all connections with it.
    work: tokio::task::JoinHandle<()>,
}

impl Detour {
    /// Leads the new connections of this pod, or of all, over a process that delays the answers.
    ///
    /// # Errors
    /// On the light tier, which has no pods, or where the network refuses.
    pub fn begin(cluster: &Cluster, pod: Option<IpAddr>, delay: Duration) -> Result<Self, Error> {
        let plan = cluster.plan().clone();
        let namespace = plan.control_plane().namespace;
        let path = netns::path(&namespace);
        let address = SocketAddr::new(plan.apiserver_address(), PORT);
        let listener = netns::inside(&namespace, || std::net::TcpListener::bind(address));
        let listener = listener.and_then(|bound| bound).and_then(|listener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        });
        let work = tokio::spawn(serve(listener.map_err(Error::file(&path))?, plan.clone(), delay));
        let source = pod.map_or_else(|| plan.pod_range(), |pod| pod.to_string());
        let detour = Self { plan, source, work };
        for rule in detour.rules() {
            change(&detour.plan, "-I", &rule)?;
        }
        Ok(detour)
    }

    /// Leads them straight again.
    ///
    /// # Errors
    /// Where the network refuses.
    pub fn end(mut self) -> Result<(), Error> {
        self.straighten()
    }

    fn straighten(&mut self) -> Result<(), Error> {
        self.work.abort();
        self.rules().iter().try_for_each(|rule| change(&self.plan, "-D", rule))
    }

    /// New connections go to the detour; what still comes straight is of old ones.
    fn rules(&self) -> [String; 2] {
        let port = self.plan.ports().apiserver;
        let straight = format!("-s {} -p tcp --dport {port}", self.source);
        [
            format!("-t nat {{how}} PREROUTING {straight} -j REDIRECT --to-ports {PORT}"),
            format!("-t filter {{how}} INPUT {straight} -j REJECT --reject-with tcp-reset"),
        ]
    }
}

impl Drop for Detour {
    fn drop(&mut self) {
        // Fails where it has ended properly.
        let _ = self.straighten();
    }
}

fn change(plan: &Plan, how: &str, rule: &str) -> Result<(), Error> {
    let namespace = plan.control_plane().namespace;
    let rule = rule.replace("{how}", how);
    run_line(&format!("ip netns exec {namespace} iptables -w {rule}")).map(drop)
}

async fn serve(listener: TcpListener, plan: Plan, delay: Duration) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                connections.spawn(relay(client, plan.clone(), delay));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Ends when either side does.
async fn relay(client: TcpStream, plan: Plan, delay: Duration) -> io::Result<()> {
    let server = connect(&plan).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        said = tokio::io::copy(&mut from_client, &mut to_server) => said.map(drop),
        answered = answer(from_server, to_client, delay) => answered,
    }
}

async fn connect(plan: &Plan) -> io::Result<TcpStream> {
    // A socket stays in the network that it was made in.
    let socket = netns::inside(&plan.control_plane().namespace, TcpSocket::new_v4)??;
    socket.connect(SocketAddr::new(plan.apiserver_address(), plan.ports().apiserver)).await
}

/// Each piece comes as much later as all others: what is said in a row arrives in a row.
async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
) -> io::Result<()> {
    let opened = Instant::now();
    let (sender, mut pieces) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut piece = vec![0; PIECE];
        loop {
            let length = from.read(&mut piece).await?;
            let now = Instant::now();
            let due = if now < opened + HANDSHAKES { now } else { now + delay };
            if length == 0 || sender.send((due, piece[..length].to_vec())).is_err() {
                return io::Result::Ok(());
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            to.write_all(&piece).await?;
        }
        io::Result::Ok(())
    };
    tokio::try_join!(read, write).map(drop)
}

/// Of the detour, beside the API server's.
const PORT: u16 = 16443;

/// A client gives up a connection that is not there in the time of one call.
const HANDSHAKES: Duration = Duration::from_millis(200);

const PIECE: usize = 16 * 1024;
