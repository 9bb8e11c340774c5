//! One question to a sidecar, as a probe asks it.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// `GET` of this path: the status and the body.
///
/// # Errors
/// Where there is no answer.
pub async fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    get_over(TcpStream::connect(address).await?, path).await
}

/// The same over this connection, which ends with it.
///
/// # Errors
/// Where there is no answer.
pub async fn get_over(mut stream: TcpStream, path: &str) -> Result<(u16, String)> {
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("wanted a head and a body")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.with_context(|| format!("wanted a status, found {head:?}"))?, body.to_owned()))
}
