//! What is answered to those who ask rightly.

use serde_json::json;

use super::*;

#[tokio::test]
async fn the_role_is_told_in_full() {
    let sidecar = Sidecar::goose().await;
    let full = json!({
        "role": "goose", "pod": "pond-1", "cluster": "pond", "namespace": "default",
        "goose": "pond-1", "term": 812, "seenMsAgo": 15,
    });
    assert_eq!(sidecar.get("/role").await.json(), full);
    assert_eq!(sidecar.get("/").await.json(), json!({"name": "pond-1"}));
    sidecar.member.outside.store(true, Ordering::Relaxed);
    let outside = json!({"role": "duck", "reason": "no name"});
    assert_eq!(sidecar.get("/role").await.json(), outside);
    assert_eq!(sidecar.get("/").await.json(), json!({"name": ""}));
}

#[tokio::test]
async fn the_status_of_goose_and_duck_is_the_role() {
    let sidecar = Sidecar::goose().await;
    for method in ["GET", "HEAD"] {
        sidecar.becomes(Some(812));
        assert_eq!(sidecar.ask(method, "/goose", "").await.status, 200);
        assert_eq!(sidecar.ask(method, "/duck", "").await.status, 503);
        sidecar.becomes(None);
        assert_eq!(sidecar.ask(method, "/goose", "").await.status, 503);
        assert_eq!(sidecar.ask(method, "/duck", "").await.status, 200);
    }
    assert_eq!(sidecar.get("/duck").await.json(), sidecar.get("/role").await.json());
}

#[tokio::test]
async fn one_word_is_told_where_plain_text_is_asked_for() {
    let sidecar = Sidecar::goose().await;
    let plain = sidecar.ask("GET", "/role", "accept: text/plain\r\n").await;
    assert_eq!(plain.body, "goose");
    assert!(plain.header("content-type").starts_with("text/plain"));
    assert_eq!(plain.header("cache-control"), "no-store");
    let either = sidecar.ask("GET", "/role", "accept: application/json, text/plain\r\n").await;
    assert!(either.body.starts_with('{'));
}

#[tokio::test]
async fn readiness_says_why_not() {
    let sidecar = Sidecar::goose().await;
    assert_eq!(sidecar.get("/readyz").await.body, "ok");
    sidecar.member.outside.store(true, Ordering::Relaxed);
    let not = sidecar.get("/readyz").await;
    assert_eq!((not.status, not.body.as_str()), (503, "no name"));
    assert_eq!(sidecar.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_promise_is_given_once_it_may_be_and_is_capped() {
    let sidecar = Sidecar::goose().await;
    assert_eq!(sidecar.get("/role?hold=500ms").await.json()["holdMs"], 500);
    assert_eq!(sidecar.get("/role?hold=1m").await.json()["holdMs"], 2358);
    sidecar.member.refusals.store(3, Ordering::Relaxed);
    assert_eq!(sidecar.get("/role?hold=1s").await.json()["holdMs"], 1000);
    sidecar.member.refusals.store(usize::MAX, Ordering::Relaxed);
    let refused = sidecar.get("/role?hold=1s").await.json();
    assert!(refused["holdRefused"].as_str().unwrap().starts_with("the Lease could not be renewed"));
    sidecar.becomes(None);
    let duck = sidecar.get("/role?hold=1s").await.json();
    assert_eq!(duck["holdRefused"], "only the Goose promises, and this pod is a Duck");
    assert_eq!(duck.get("holdMs"), None);
}

#[tokio::test]
async fn who_waits_is_answered_when_the_role_changes() {
    let sidecar = Sidecar::goose().await;
    let at_once = sidecar.get("/role?wait=30s&not=duck").await.json();
    assert!(at_once["waitedMs"].as_u64().unwrap() < 1000, "{at_once}");
    let in_time = sidecar.get("/role?wait=100ms").await.json();
    assert!(in_time["waitedMs"].as_u64().unwrap() >= 100, "{in_time}");
    assert_eq!(in_time["role"], "goose");

    let later = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        sidecar.becomes(None);
    };
    let (changed, ()) = tokio::join!(sidecar.get("/role?wait=30s&not=goose"), later);
    assert_eq!(changed.json()["role"], "duck");
    let waited = changed.json()["waitedMs"].as_u64().unwrap();
    assert!((150..10_000).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_stream_tells_the_role_and_then_each_change() {
    let sidecar = Sidecar::goose().await;
    let mut events = sidecar.stream("").await;
    let (name, _, now) = events.next().await;
    assert_eq!((name.as_str(), &now["role"], &now["term"]), ("role", &json!("goose"), &json!(812)));
    sidecar.becomes(None);
    let (name, id, change) = events.next().await;
    assert_eq!(
        (name.as_str(), &change["cause"]),
        ("change", &json!("the workload gave the role up"))
    );
    assert_eq!(change["id"], json!(id));
    let (name, same, now) = events.next().await;
    assert_eq!((name.as_str(), same, &now["role"]), ("role", id, &json!("duck")));
}

#[tokio::test]
async fn a_stream_is_taken_up_where_it_ended() {
    let sidecar = Sidecar::goose().await;
    let (_, id, _) = sidecar.stream("").await.next().await;
    sidecar.becomes(None);
    sidecar.becomes(Some(900));
    let mut again = sidecar.stream(&format!("last-event-id: {id}\r\n")).await;
    let told = [again.next().await, again.next().await, again.next().await];
    let told = told.map(|(name, _, data)| (name, data["role"].clone(), data["term"].clone()));
    let wanted = [("change", "duck", 812), ("change", "goose", 900), ("role", "goose", 900)];
    let wanted = wanted.map(|(name, role, term)| (name.to_owned(), json!(role), json!(term)));
    assert_eq!(told, wanted);

    let mut stranger = sidecar.stream("last-event-id: another-7\r\n").await;
    assert_eq!(stranger.next().await.0, "gap");
    assert_eq!(stranger.next().await.0, "role");
}

#[tokio::test]
async fn history_tells_the_last_changes() {
    let sidecar = Sidecar::goose().await;
    sidecar.becomes(None);
    let history = sidecar.get("/history").await.json();
    let roles: Vec<_> =
        history["changes"].as_array().unwrap().iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["goose", "duck"]);
}

#[tokio::test]
async fn the_workload_gives_the_role_up() {
    let sidecar = Sidecar::goose().await;
    let given = sidecar.ask("POST", "/handover", "").await;
    assert_eq!((given.status, &given.json()["role"]), (200, &json!("duck")));
    let again = sidecar.ask("POST", "/handover", "").await;
    assert_eq!(again.status, 409);
}

#[tokio::test]
async fn metrics_are_told_with_the_streams_that_there_are() {
    let sidecar = Sidecar::goose().await;
    let mut events = sidecar.stream("").await;
    events.next().await;
    let metrics = sidecar.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    for line in
        ["duckgoose_is_goose{cluster=\"pond\"} 1", "duckgoose_stream_clients{cluster=\"pond\"} 1"]
    {
        assert!(metrics.body.contains(line), "wanted {line} in {}", metrics.body);
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_in_words() {
    for odd in ["pond", "localhost:", "localhost:http", "pond:4040"] {
        let refused = format!("{:#}", listen(odd).unwrap_err());
        assert!(refused.starts_with("wanted an address such as [::]:4040"), "{refused}");
    }
}

#[tokio::test]
async fn both_families_of_addresses_are_served() {
    for wanted in ["[::]:0", "localhost:0"] {
        let (port, is_both) = serve_on(wanted).await;
        for host in if is_both { vec!["127.0.0.1", "::1"] } else { vec!["127.0.0.1"] } {
            let mut stream = TcpStream::connect((host, port)).await.unwrap();
            let request = b"POST /handover HTTP/1.1\r\nconnection: close\r\n\r\n";
            stream.write_all(request).await.unwrap();
            // Of the pod itself either way: not refused for where it comes from.
            let status = Reply::read(stream).await.status;
            assert!([200, 409].contains(&status), "{wanted}, {host}: {status}");
        }
    }
}

#[tokio::test]
async fn who_listens_on_localhost_listens_on_no_other_address() {
    // All of 127.0.0.0/8 is this machine, as all addresses of a pod are the pod.
    let other = "127.0.0.2";
    let (port, _) = serve_on("[::]:0").await;
    assert!(TcpStream::connect((other, port)).await.is_ok());
    let (port, _) = serve_on("localhost:0").await;
    assert!(TcpStream::connect((other, port)).await.is_err());
}

/// Returns the port, and whether the machine has both families.
async fn serve_on(address: &str) -> (u16, bool) {
    let listeners = listen(address).unwrap();
    let addresses: Vec<_> = listeners.iter().map(|one| one.local_addr().unwrap()).collect();
    let member = Sidecar::goose().await.member;
    let front = Front::new(member, Arc::new(Changes::new()), Arc::new(Metrics::new("pond")), true);
    tokio::spawn(serve(listeners, front, Limits::default()));
    (addresses[0].port(), addresses.iter().any(SocketAddr::is_ipv6))
}
