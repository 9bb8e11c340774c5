//! What is answered to those who ask wrongly: 4xx in JSON, whatever it is.

use super::*;

impl Reply {
    fn is_refused_with(&self, status: u16, error: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store", "{self:?}");
        let found = self.json()["error"].as_str().unwrap().to_owned();
        assert!(found.contains(error), "wanted {error:?} in {found:?}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_say_what_there_is() {
    let sidecar = Sidecar::goose().await;
    let lost = sidecar.get("/leader").await;
    lost.is_refused_with(404, "found \"/leader\"");
    assert_eq!(lost.json()["paths"], serde_json::json!(PATHS));
    for (method, path) in [("POST", "/role"), ("DELETE", "/"), ("GET", "/handover"), ("TRACE", "/")]
    {
        sidecar.ask(method, path, "").await.is_refused_with(405, &format!("found {method}"));
    }
    let refused = sidecar.ask("PUT", "/role", "").await;
    assert_eq!(refused.header("allow"), "get,head");
    sidecar.ask("CONNECT", "pond:80", "").await.is_refused_with(404, "wanted one of these");
}

#[tokio::test]
async fn options_tells_the_methods() {
    let sidecar = Sidecar::goose().await;
    for (path, methods) in [("/role", "get,head"), ("/handover", "post")] {
        let answer = sidecar.ask("OPTIONS", path, "").await;
        assert_eq!((answer.status, answer.header("allow")), (204, methods));
    }
}

#[tokio::test]
async fn queries_that_are_not_understood_are_refused() {
    let sidecar = Sidecar::goose().await;
    for (query, error) in [
        ("hold=500", "wanted a span such as 500ms, 30s or 2m, found \"500\""),
        ("hold=-1s", "wanted a span"),
        ("hold=99999999999s", "wanted a span"),
        ("hold=0s", "wanted a hold of at least 1ms"),
        ("hold=1s&hold=2s", "duplicate field"),
        ("hodl=1s", "unknown field `hodl`"),
        ("not=duck", "wanted wait beside not"),
        ("wait=1s&not=swan", "unknown variant `swan`"),
        ("%ff=1", "unknown field"),
    ] {
        sidecar.get(&format!("/role?{query}")).await.is_refused_with(400, error);
    }
    let word = sidecar.ask("GET", "/role?hold=1s", "accept: text/plain\r\n").await;
    word.is_refused_with(400, "wanted hold with JSON");
    for path in
        ["/", "/goose", "/duck", "/livez", "/readyz", "/history", "/metrics", "/role/stream"]
    {
        sidecar.get(&format!("{path}?x=1")).await.is_refused_with(400, "unknown field `x`");
    }
}

#[tokio::test]
async fn handing_over_is_for_the_workload_alone() {
    let sidecar = Sidecar::goose().await;
    let page = sidecar.ask("POST", "/handover", "origin: https://example.org\r\n").await;
    page.is_refused_with(403, "found one of a web page");
    let to = sidecar.ask("POST", "/handover?to=pond-2", "").await;
    to.is_refused_with(400, "wanted no \"to\", found \"pond-2\"");
    assert_eq!(sidecar.get("/role").await.json()["role"], "goose");

    let off = Sidecar::start(Limits::default(), false).await;
    off.ask("POST", "/handover", "")
        .await
        .is_refused_with(403, "switched off by DUCKGOOSE_HANDOVER");
    assert_eq!(off.get("/role").await.json()["role"], "goose");
}

#[tokio::test]
async fn handing_over_from_another_machine_is_refused() {
    use axum::body::Body;
    use axum::extract::Request;
    use tower::ServiceExt;

    let Sidecar { member, changes, .. } = Sidecar::goose().await;
    let metrics = Arc::new(Metrics::new("pond"));
    let router = router(Arc::new(Front::new(member.clone(), changes, metrics, true)));
    for (peer, status) in
        [("10.0.0.7:1", 403), ("[2001:db8::7]:1", 403), ("[::ffff:127.0.0.1]:1", 200)]
    {
        let peer = connection::Peer(peer.parse().unwrap());
        let request = Request::post("/handover").extension(peer).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{peer:?}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_json() {
    let sidecar = Sidecar::goose().await;
    for odd in [
        "nonsense\r\n\r\n",
        "GET /role HTTP/3.0\r\n\r\n",
        "GET /role\u{1} HTTP/1.1\r\n\r\n",
        "GET /role HTTP/1.1\r\nno colon\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\r\n\r\n",
        "GET /role HTTP/1.1\r\ncontent-length: many\r\n\r\n",
    ] {
        sidecar.send(odd.as_bytes()).await.is_refused_with(400, "wanted a request of HTTP/1.1");
    }
}

#[tokio::test]
async fn http_2_is_refused_in_words() {
    let sidecar = Sidecar::goose().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    sidecar.send(preface).await.is_refused_with(400, "found HTTP/2");
}

#[tokio::test]
async fn too_much_is_refused_in_words() {
    let sidecar = Sidecar::goose().await;
    let long = "x".repeat(1 << 20);
    let header = sidecar.ask("GET", "/role", &format!("cookie: {long}\r\n")).await;
    header.is_refused_with(431, "of at most 8192 bytes");
    sidecar.get(&format!("/{long}")).await.is_refused_with(431, "of at most 8192 bytes");
    let many = "x: y\r\n".repeat(200);
    sidecar.ask("GET", "/role", &many).await.is_refused_with(431, "of at most 8192 bytes");
}

#[tokio::test]
async fn a_refusal_goes_out_also_on_a_connection_that_was_answered_before() {
    let sidecar = Sidecar::goose().await;
    let both = sidecar.send(b"GET /role HTTP/1.1\r\n\r\nnonsense\r\n\r\n").await;
    assert_eq!(both.status, 200);
    assert!(
        both.body.contains("HTTP/1.1 400") && both.body.contains("{\"error\":\"wanted a request")
    );
}

/// Requests that are nearly right: whatever comes, nothing panics (it would end
/// the answers to come), and each is answered by HTTP or by closing. As many as
/// the environment asks for: `MANGLED_REQUESTS=100000`.
#[tokio::test]
async fn mangled_requests_do_no_harm() {
    let wanted = std::env::var("MANGLED_REQUESTS").ok();
    let wanted = wanted.map_or(1000, |number| number.parse().expect("a number of requests"));
    let sidecar = Sidecar::goose().await;
    let right = b"GET /role?wait=1ms&not=duck HTTP/1.1\r\nhost: pond\r\naccept: text/plain\r\nconnection: close\r\n\r\n";
    let mut chance = fastrand::Rng::with_seed(7);
    for _ in 0..wanted {
        let mut request = right.to_vec();
        for _ in 0..chance.usize(1..4) {
            let place = chance.usize(..request.len());
            match chance.u8(..3) {
                0 => request[place] = chance.u8(..),
                1 => request.insert(place, chance.u8(..)),
                _ => drop(request.remove(place)),
            }
        }
        request.extend_from_slice(b"\r\n\r\n");
        let mut stream = sidecar.connect().await;
        let _ = stream.write_all(&request).await;
        let _ = stream.shutdown().await;
        let reply = Reply::read(stream).await;
        let request = String::from_utf8_lossy(&request);
        assert!(reply.status < 500, "{request:?}: {reply:?}");
    }
    assert_eq!(sidecar.get("/role").await.status, 200);
}
