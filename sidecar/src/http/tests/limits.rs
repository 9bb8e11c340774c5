//! Clients that are idle, slow, too many, or do not read.

use std::time::Instant;

use super::*;

fn limits(connections: usize) -> Limits {
    let [head, unread] = [Duration::from_millis(300), Duration::from_millis(500)];
    Limits { connections, head, unread }
}

async fn ends(stream: &mut TcpStream) -> Duration {
    let since = Instant::now();
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "wanted the connection to end in ten seconds");
    since.elapsed()
}

#[tokio::test]
async fn idle_and_slow_connections_are_closed() {
    let sidecar = Sidecar::start(limits(10), true).await;
    let mut idle = sidecar.connect().await;
    assert!(ends(&mut idle).await >= Duration::from_millis(250));

    let mut kept = sidecar.connect().await;
    kept.write_all(b"GET /role HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(ends(&mut kept).await >= Duration::from_millis(250));

    let (mut slow, since) = (sidecar.connect().await, Instant::now());
    let drip = async {
        while slow.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), drip).await.expect("wanted it to be closed");
    assert!(since.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_crowd_of_slow_clients_keeps_nobody_out() {
    let patient = Limits { head: Duration::from_secs(60), ..limits(20) };
    let sidecar = Sidecar::start(patient, true).await;
    let mut crowd = Vec::new();
    for _ in 0..200 {
        let mut slow = sidecar.connect().await;
        let _ = slow.write_all(b"GET /role HTTP/1.1\r\nx").await;
        crowd.push(slow);
        if crowd.len() % 20 == 0 {
            assert_eq!(sidecar.get("/goose").await.status, 200);
        }
    }
    let mut ended = 0;
    for slow in &mut crowd {
        let end = tokio::time::timeout(Duration::from_millis(20), slow.read(&mut [0])).await;
        ended += usize::from(end.is_ok());
    }
    assert!(ended >= 180, "wanted all but 20 to be closed, found {ended}");
}

#[tokio::test]
async fn a_stream_outlives_the_bound_on_silence() {
    let sidecar = Sidecar::start(limits(10), true).await;
    let mut events = sidecar.stream("").await;
    events.next().await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    sidecar.becomes(None);
    assert_eq!(events.next().await.0, "change");
}

#[tokio::test]
async fn streams_and_waits_beyond_their_number_are_told_when_to_come_again() {
    let sidecar = Sidecar::goose().await;
    let mut streams = Vec::new();
    for _ in 0..MOST_STREAMS {
        let mut events = sidecar.stream("").await;
        events.next().await;
        streams.push(events);
    }
    let full = sidecar.get("/role/stream").await;
    assert_eq!((full.status, full.header("retry-after")), (503, "5"));
    assert!(full.json()["error"].as_str().unwrap().contains("too many clients have a stream"));
    drop(streams.pop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    sidecar.stream("").await.next().await;

    let request = b"GET /role?wait=30s HTTP/1.1\r\n\r\n";
    let mut waits = Vec::new();
    for _ in 0..MOST_WAITS {
        let mut wait = sidecar.connect().await;
        wait.write_all(request).await.unwrap();
        waits.push(wait);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let full = sidecar.get("/role?wait=30s").await;
    assert_eq!((full.status, full.header("retry-after")), (503, "5"));
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nothing_up_and_is_dropped() {
    let sidecar = Sidecar::start(limits(10), true).await;
    // Asks again and again for the description and reads none of it.
    let mut deaf = sidecar.connect().await;
    let request = b"GET /openapi.json HTTP/1.1\r\n\r\n".repeat(2000);
    let shout = async { while deaf.write_all(&request).await.is_ok() {} };
    let dropped = tokio::time::timeout(Duration::from_secs(30), shout).await;
    assert!(dropped.is_ok(), "wanted the connection to be dropped");
    assert_eq!(sidecar.get("/role").await.status, 200);
}
