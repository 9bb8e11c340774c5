//! A crowd of bad clients for one sidecar on loopback, and how it does meanwhile.
//!
//! `crowd ADDRESS IDLE SLOW SECONDS`: tries IDLE connections that never ask, keeps
//! SLOW ones at one byte of a header every second, each made anew when it is
//! closed, and probes `/goose` on a new connection every 20 ms. Stops by itself.
//! See docs/performance.md.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
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

    for _ in 0..slow {
        tokio::spawn(slow_client(address));
    }
    let crowd = tokio::spawn(idle_clients(address, idle));
    let mut took = probe_for(address, Duration::from_secs(seconds)).await;
    crowd.abort();
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "{} probes: median {:?}, p99 {:?}, longest {:?}",
        took.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    Ok(())
}

/// Connects this often, and holds on to what it got.
async fn idle_clients(address: SocketAddr, number: u64) {
    let (mut held, mut refused) = (Vec::new(), 0);
    for _ in 0..number {
        match TcpStream::connect(address).await {
            Ok(stream) => held.push(stream),
            Err(_) => refused += 1,
        }
        // This process has a bound on its open files, too.
        if held.len() == 5000 {
            held.drain(..2500);
        }
    }
    println!("{number} idle connections tried, {refused} refused");
    std::future::pending::<()>().await;
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
    }
}

/// How long each probe took, from its connection to its answer.
async fn probe_for(address: SocketAddr, span: Duration) -> Vec<Duration> {
    let (since, mut took) = (Instant::now(), Vec::new());
    while since.elapsed() < span {
        let asked = Instant::now();
        let answered = timeout(Duration::from_secs(5), probe(address)).await;
        if !matches!(answered, Ok(Ok(()))) {
            println!("a probe was not answered: {answered:?}");
        }
        took.push(asked.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    took
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
