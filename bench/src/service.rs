//! Where a Service leads: asked over a new connection each time, from inside a node.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Deserialize;
use testbed::Node;

/// The first time at which a Goose of a later term than this answered. Blocks.
///
/// # Errors
/// Where none does in time.
pub fn leads_to_later_term(
    node: &Node,
    address: SocketAddr,
    term: u64,
    patience: Duration,
) -> Result<Instant> {
    let until = Instant::now() + patience;
    node.inside(|| {
        while Instant::now() < until {
            if ask(address).is_ok_and(|answered| answered.is_some_and(|found| found > term)) {
                return Ok(Instant::now());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("wanted {address} to lead to a Goose of a later term than {term}, found none")
    })?
}

#[derive(Deserialize)]
struct Role {
    role: String,
    term: Option<u64>,
}

/// The term of the Goose that answers.
fn ask(address: SocketAddr) -> io::Result<Option<u64>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /role HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let role: Role = serde_json::from_str(body)?;
    Ok(role.term.filter(|_| role.role == api::names::GOOSE))
}

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(1);

/// What is under way to a pod that has gone is lost.
const PATIENCE: Duration = Duration::from_millis(50);
