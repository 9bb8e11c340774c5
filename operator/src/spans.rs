//! Traces: a span for each pass and for each call that it makes, sent to a collector as OTLP over
//! HTTP. Off unless a collector is named.
//!
//! Each call tells the API server of its span (W3C trace context): where that is set up to trace, its
//! own spans are children of the operator's.

use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Client;
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HeaderInjector, HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::SdkTracerProvider;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::{Resource, trace};
use tower::service_fn;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum NotExported {
    /// The address is none.
    #[error("wanted a collector's address such as http://collector:4318, found {0:?}")]
    NotAnAddress(String),
    /// The exporter does not want it.
    #[error("wanted to send traces, but {0}")]
    Refused(#[from] ExporterBuildError),
}

/// Sends spans to a collector, some seconds after they end.
#[derive(Clone)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// To the collector at this address: its scheme, name and port. The variables `OTEL_…` of the
    /// OpenTelemetry specification hold for what is sampled, and for when it is sent.
    ///
    /// # Errors
    /// When the address is not one of HTTP without TLS, or has a path.
    pub fn to(collector: &str) -> Result<Traces, NotExported> {
        let parsed = collector.parse::<Uri>().ok();
        let is_plain = |address: &Uri| {
            address.scheme() == Some(&Scheme::HTTP) && ["", "/"].contains(&address.path())
        };
        let plain = parsed.filter(is_plain);
        let refused = || NotExported::NotAnAddress(collector.to_owned());
        let authority = plain.and_then(|address| address.into_parts().authority);
        let authority = authority.ok_or_else(refused)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector(Http::builder(TokioExecutor::new()).build_http()))
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("http://{authority}/v1/traces"))
            .build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(NAME).with_attribute(version).build();
        let batches = BatchSpanProcessor::builder(exporter, Tokio).build();
        let provider = trace::TracerProviderBuilder::default();
        Ok(Traces(provider.with_span_processor(batches).with_resource(resource).build()))
    }

    /// What makes spans of `tracing` into these.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer(NAME))
    }

    /// Sends what has not been sent yet.
    pub async fn end(self) {
        // It blocks until that is done; nobody can be told if it fails, and nothing depends on it.
        let _ = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
    }
}

/// The same client, which tells of the span in which each call is made.
pub fn telling_of_spans(client: Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let propagator = TraceContextPropagator::new();
    let telling = service_fn(move |mut request: Request<kube::client::Body>| {
        let context = Span::current().context();
        propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
        let client = client.clone();
        async move { client.send(request).await }
    });
    Client::new(telling, namespace)
}

/// The client of a collector.
#[derive(Clone, Debug)]
struct Collector(Http<HttpConnector, Full<Bytes>>);

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = async {
            let answer = self.0.request(request.map(Full::from)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        tokio::time::timeout(BOUND, answer).await?
    }
}

const NAME: &str = "duckgoose-operator";

/// Bytes of a collector's answer, which says little.
const LONGEST_ANSWER: usize = 64 << 10;

const BOUND: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::{Arc, Mutex};

    use kube::client::Body;
    use tower::BoxError;
    use tracing::Instrument;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    use super::*;

    #[tokio::test]
    async fn a_call_tells_of_its_span() {
        let told = Arc::new(Mutex::new(None));
        let heard = Arc::clone(&told);
        let server = service_fn(move |request: Request<Body>| {
            *heard.lock().unwrap() = request.headers().get("traceparent").cloned();
            ready(Ok::<_, BoxError>(Response::new(Body::empty())))
        });
        let client = telling_of_spans(Client::new(server, "default"));
        let traces = Traces::to("http://127.0.0.1:1").unwrap();
        let _traced = tracing_subscriber::registry().with(traces.layer()).set_default();
        let call = || Request::get("/version").body(Body::empty()).unwrap();

        client.send(call()).await.unwrap();
        assert_eq!(*told.lock().unwrap(), None);
        client.send(call()).instrument(tracing::info_span!("call")).await.unwrap();
        let told = told.lock().unwrap().take().expect("a header");
        let parts: Vec<_> = told.to_str().unwrap().split('-').map(str::len).collect();
        assert_eq!(parts, [2, 32, 16, 2], "version, trace, span and flags in {told:?}");
        traces.end().await;
    }

    #[tokio::test]
    async fn a_collector_is_one_of_http_without_tls() {
        let with_path = "http://collector:4318/v1/traces";
        for address in ["collector:4318", "https://collector:4318", "/v1/traces", with_path] {
            let refused = Traces::to(address).err().map(|why| why.to_string());
            let says = "wanted a collector's address such as http://collector:4318, found ";
            assert_eq!(refused, Some(format!("{says}{address:?}")));
        }
        Traces::to("http://collector:4318").unwrap().end().await;
    }
}
