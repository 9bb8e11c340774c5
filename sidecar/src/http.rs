//! Tells the role over HTTP.

use std::io;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::standing::{Answer, Answers};

/// Listens on the address; where it is IPv6's "any" and the machine has no
/// IPv6, on IPv4's.
///
/// # Errors
/// When the address is none, or not to be had.
pub async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    let listener = match (TcpListener::bind(address).await, address.strip_prefix("[::]:")) {
        (Err(_), Some(port)) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        (bound, _) => bound,
    };
    listener.with_context(|| {
        format!("wanted an address such as [::]:4040 to listen on, found {address:?}")
    })
}

/// Answers until the process ends.
///
/// # Errors
/// As [`axum::serve`].
pub async fn serve(listener: TcpListener, standing: Arc<dyn Answers>) -> io::Result<()> {
    tracing::info!(address = ?listener.local_addr()?, "serves HTTP");
    axum::serve(listener, router(standing)).await
}

fn router(standing: Arc<dyn Answers>) -> Router {
    Router::new()
        .route("/", get(name))
        .route("/role", get(role))
        .route("/goose", get(goose))
        .route("/duck", get(duck))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(map_response(never_stored))
        .with_state(standing)
}

type Standing = State<Arc<dyn Answers>>;

/// What clients of the classic leader-elector sidecar expect.
async fn name(State(standing): Standing) -> impl IntoResponse {
    #[derive(Serialize)]
    struct Name {
        name: String,
    }
    Json(Name { name: standing.answer().goose.unwrap_or_default() })
}

async fn role(State(standing): Standing, headers: HeaderMap) -> Response {
    body(&headers, standing.answer())
}

/// For probes and load balancers: good while this is the Goose.
async fn goose(State(standing): Standing, headers: HeaderMap) -> Response {
    let answer = standing.answer();
    (good_if(answer.is_goose()), body(&headers, answer)).into_response()
}

/// Good while this is a Duck.
async fn duck(State(standing): Standing, headers: HeaderMap) -> Response {
    let answer = standing.answer();
    (good_if(!answer.is_goose()), body(&headers, answer)).into_response()
}

async fn livez(State(standing): Standing) -> Response {
    health(standing.alive())
}

async fn readyz(State(standing): Standing) -> Response {
    health(standing.ready())
}

async fn no_such_path(uri: Uri) -> Response {
    problem(StatusCode::NOT_FOUND, format!("wanted one of these paths, found {:?}", uri.path()))
}

async fn no_such_method() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "wanted GET or HEAD".to_owned())
}

/// JSON, or the one word where plain text is asked for.
fn body(headers: &HeaderMap, answer: Answer) -> Response {
    if wants_plain_text(headers) {
        answer.role.into_response()
    } else {
        Json(answer).into_response()
    }
}

fn wants_plain_text(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accepted.is_some_and(|it| it.contains("text/plain") && !it.contains("application/json"))
}

fn good_if(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn health(state: Result<(), String>) -> Response {
    (good_if(state.is_ok()), state.err().unwrap_or_else(|| "ok".to_owned())).into_response()
}

fn problem(status: StatusCode, error: String) -> Response {
    #[derive(Serialize)]
    struct Problem {
        error: String,
        paths: &'static [&'static str],
    }
    (status, Json(Problem { error, paths: &PATHS })).into_response()
}

/// An answer is true for the moment it was asked for.
async fn never_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const PATHS: [&str; 6] = ["/", "/role", "/goose", "/duck", "/livez", "/readyz"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standing::Introduction;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    struct Fake(Answer, Result<(), String>);

    impl Answers for Fake {
        fn answer(&self) -> Answer {
            self.0.clone()
        }
        fn alive(&self) -> Result<(), String> {
            Ok(())
        }
        fn ready(&self) -> Result<(), String> {
            self.1.clone()
        }
    }

    fn the_goose() -> Fake {
        let introduction = ["pond-1", "pond", "default"].map(str::to_owned);
        let [pod, cluster, namespace] = introduction;
        let answer = Answer {
            role: "goose",
            introduction: Some(Introduction { pod, cluster, namespace }),
            goose: Some("pond-1".to_owned()),
            term: Some(812),
            seen_ms_ago: Some(15),
            reason: None,
        };
        Fake(answer, Ok(()))
    }

    fn an_outsider() -> Fake {
        Fake(Answer::outside("no name".to_owned()), Err("no name".to_owned()))
    }

    async fn ask(who: Fake, method: &str, path: &str, accept: &str) -> (u16, HeaderMap, String) {
        let request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
        let request = request.body(Body::empty()).unwrap();
        let response = router(Arc::new(who)).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get_json(who: Fake, path: &str) -> (u16, Value) {
        let (status, _, body) = ask(who, "GET", path, "*/*").await;
        (status, serde_json::from_str(&body).unwrap())
    }

    #[tokio::test]
    async fn the_role_is_told_in_full() {
        let full = json!({
            "role": "goose", "pod": "pond-1", "cluster": "pond", "namespace": "default",
            "goose": "pond-1", "term": 812, "seenMsAgo": 15,
        });
        assert_eq!(get_json(the_goose(), "/role").await, (200, full));
        let outside = json!({"role": "duck", "reason": "no name"});
        assert_eq!(get_json(an_outsider(), "/role").await, (200, outside));
    }

    #[tokio::test]
    async fn the_status_of_goose_and_duck_is_the_role() {
        for method in ["GET", "HEAD"] {
            assert_eq!(ask(the_goose(), method, "/goose", "*/*").await.0, 200);
            assert_eq!(ask(the_goose(), method, "/duck", "*/*").await.0, 503);
            assert_eq!(ask(an_outsider(), method, "/goose", "*/*").await.0, 503);
            assert_eq!(ask(an_outsider(), method, "/duck", "*/*").await.0, 200);
        }
        let (_, body) = get_json(the_goose(), "/duck").await;
        assert_eq!(body, get_json(the_goose(), "/role").await.1);
    }

    #[tokio::test]
    async fn one_word_is_told_where_plain_text_is_asked_for() {
        let (_, headers, body) = ask(the_goose(), "GET", "/role", "text/plain").await;
        assert_eq!(body, "goose");
        assert!(headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"));
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        let (_, _, body) = ask(the_goose(), "GET", "/role", "application/json, text/plain").await;
        assert!(body.starts_with('{'));
    }

    #[tokio::test]
    async fn clients_of_the_classic_sidecar_find_the_name() {
        assert_eq!(get_json(the_goose(), "/").await, (200, json!({"name": "pond-1"})));
        assert_eq!(get_json(an_outsider(), "/").await, (200, json!({"name": ""})));
    }

    #[tokio::test]
    async fn one_that_is_not_ready_says_why_and_lives() {
        let (status, _, body) = ask(an_outsider(), "GET", "/readyz", "*/*").await;
        assert_eq!((status, body.as_str()), (503, "no name"));
        assert_eq!(ask(an_outsider(), "GET", "/livez", "*/*").await.0, 200);
        assert_eq!(ask(the_goose(), "GET", "/readyz", "*/*").await.0, 200);
    }

    #[tokio::test]
    async fn a_mistake_is_answered_with_what_there_is() {
        let (status, body) = get_json(the_goose(), "/roles").await;
        assert_eq!((status, &body["paths"]), (404, &json!(PATHS)));
        let (status, headers, body) = ask(the_goose(), "POST", "/role", "*/*").await;
        assert_eq!(status, 405);
        assert_eq!(headers[header::ALLOW], "GET,HEAD");
        assert!(body.contains("wanted GET or HEAD"));
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_refused_in_words() {
        let refused = format!("{:#}", listen("pond").await.unwrap_err());
        assert!(refused.starts_with("wanted an address such as [::]:4040"), "{refused}");
    }
}
