//! A crowd of bad clients for one sidecar on loopback, and how it does meanwhile.
//!
//! `crowd ADDRESS IDLE SLOW SECONDS`: tries IDLE connections that never ask, keeps
//! SLOW ones at one byte of a header every second, each made anew when it is
//! closed, and probes `/goose` on a new connection every 20 ms. Stops by itself,
//! and prints one line of JSON. `cargo xtask load` runs it; see docs/performance.md.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [address, numbers @ ..] = arguments.as_slice() else {
        anyhow::bail!("wanted ADDRESS IDLE SLOW SECONDS, found nothing");
    };
    let address: SocketAddr =
        address.parse().context("wanted an address such as 127.0.0.1:4040")?;
    ensure!(address.ip().is_loopback(), "wanted an address of loopback, found {address}");
    let numbers: Vec<u64> = numbers.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let [idle, slow, seconds] = numbers[..] else { anyhow::bail!("wanted IDLE SLOW SECONDS") };
    allow_files(idle + slow + FILES_BESIDES)?;

    for _ in 0..slow {
        tokio::spawn(slow_client(address));
    }
    let span = Duration::from_secs(seconds);
    let probes = spawn_blocking(move || on_its_own(probe_for(address, span)));
    let (idle, probes) = tokio::join!(idle_clients(address, idle, span), probes);
    let probes = probes??;
    println!(
        "{}",
        json!({
            "idle": { "tried": idle.tried, "refused": idle.refused, "openAtTheEnd": idle.open },
            "slow": { "closed": SLOW_CLOSED.load(Ordering::Relaxed) },
            "probes": {
                "number": probes.took.len(),
                "unanswered": probes.unanswered,
                "medianMs": probes.at(0.5),
                "p99Ms": probes.at(0.99),
                "longestMs": probes.at(1.0),
            },
        })
    );
    Ok(())
}

/// In this thread and no other: the crowd does not delay it, but for the processor that they share.
fn on_its_own<T>(what: impl Future<Output = T>) -> anyhow::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(what))
}

/// Each connection is an open file.
fn allow_files(number: u64) -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    ensure!(most >= number, "wanted {number} open files allowed (ulimit -Hn), found {most}");
    Ok(setrlimit(Resource::Nofile, rustix::process::Rlimit { current: Some(number), ..limit })?)
}

struct Idle {
    tried: u64,
    refused: usize,
    open: usize,
}

/// Connects this often as fast as it can, holds on to what it got, and looks at the end what is left.
async fn idle_clients(address: SocketAddr, number: u64, span: Duration) -> Idle {
    let (since, mut held, mut refused) = (Instant::now(), Vec::new(), 0);
    for _ in 0..number {
        match TcpStream::connect(address).await {
            Ok(stream) => held.push(stream),
            Err(_) => refused += 1,
        }
    }
    sleep(span.saturating_sub(since.elapsed())).await;
    let open = held.iter().filter(|stream| is_open(stream)).count();
    Idle { tried: number, refused, open }
}

/// The sidecar sends nothing to who has not asked: there is nothing to read, or the end.
fn is_open(stream: &TcpStream) -> bool {
    stream.try_read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

async fn slow_client(address: SocketAddr) {
    loop {
        let Ok(mut stream) = TcpStream::connect(address).await else {
            sleep(Duration::from_secs(1)).await;
            continue;
        };
        let _ = stream.write_all(b"GET /role HTTP/1.1\r\nx: ").await;
        while stream.write_all(b"y").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
        SLOW_CLOSED.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Probes {
    /// Sorted at the end.
    took: Vec<Duration>,
    unanswered: usize,
}

impl Probes {
    /// In milliseconds, the time that this share of them did not exceed.
    fn at(&self, share: f64) -> f64 {
        let index = (self.took.len().saturating_sub(1) as f64 * share) as usize;
        self.took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
    }
}

/// How long each probe took, from its connection to its answer.
async fn probe_for(address: SocketAddr, span: Duration) -> Probes {
    let (since, mut probes) = (Instant::now(), Probes::default());
    while since.elapsed() < span {
        let asked = Instant::now();
        let answered = timeout(Duration::from_secs(5), probe(address)).await;
        if !matches!(answered, Ok(Ok(()))) {
            probes.unanswered += 1;
            eprintln!("a probe was not answered: {answered:?}");
        }
        probes.took.push(asked.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    probes.took.sort();
    probes
}

async fn probe(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /goose HTTP/1.1\r\nconnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if answer.starts_with(b"HTTP/1.1 ") {
        Ok(())
    } else {
        Err(std::io::ErrorKind::InvalidData.into())
    }
}

/// How often a slow client was closed.
static SLOW_CLOSED: AtomicU64 = AtomicU64::new(0);

/// Probes, and what a process has anyway.
const FILES_BESIDES: u64 = 100;
