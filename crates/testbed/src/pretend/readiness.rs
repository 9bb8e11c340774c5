//! Asking a sidecar whether it is ready.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Whether `/readyz` says 200, within a second: a probe's usual time-out.
pub(super) async fn is_ready(address: SocketAddr) -> bool {
    let answer = tokio::time::timeout(Duration::from_secs(1), status_line(address)).await;
    matches!(answer, Ok(Ok(line)) if line.split(' ').nth(1) == Some("200"))
}

async fn status_line(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
