//! `duckgoose probe`: asks the sidecar beside it how it is, for a kubelet that
//! cannot reach it where it listens on loopback alone.

use std::process::ExitCode;
use std::time::Duration;

use hyper::Method;

use crate::workload::request;

/// Asks for this path; exits with 0 where the answer is 200, and with 1 where it
/// is not or there is none, which is explained on standard output, as the kubelet
/// wants it.
#[tokio::main(flavor = "current_thread")]
pub async fn ask(listen: &str, path: &str) -> ExitCode {
    let Some(port) = port(listen) else {
        println!("wanted an address with a port, found {listen:?}");
        return ExitCode::FAILURE;
    };
    match request::send(Method::GET, port, path, String::new(), PATIENCE).await {
        Ok(status) if status.is_success() => ExitCode::SUCCESS,
        Ok(status) => {
            println!("wanted 200 of {path}, found {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn port(listen: &str) -> Option<u16> {
    listen.rsplit_once(':')?.1.parse().ok()
}

/// Less than the operator lets a probe take, so that there are words.
const PATIENCE: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_that_of_the_address_it_listens_on() {
        assert_eq!(port("[::]:4040"), Some(4040));
        assert_eq!(port("localhost:80"), Some(80));
        assert_eq!(port("localhost"), None);
    }
}
