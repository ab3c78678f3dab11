//! A collector: receives OTLP over HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode as SpanStatus};
use prost::Message;
use tokio::sync::watch;

use crate::endpoint::Endpoint;

/// How long spans may take to come: no measure of anything, only the end of a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a sink answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It takes everything.
    Accept,
    /// It refuses everything with this status.
    Refuse(u16),
    /// It reads everything and answers nothing, until it is told [otherwise](OtlpSink::answer).
    Never,
}

/// A collector, until it is dropped.
#[derive(Debug)]
pub struct OtlpSink {
    endpoint: Endpoint,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    answer: watch::Sender<Answer>,
    received: Mutex<Vec<Received>>,
    changed: watch::Sender<usize>,
}

#[derive(Clone, Debug)]
struct Received {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A span as it came.
#[derive(Clone, Debug)]
pub struct SinkSpan {
    /// The service that sent it.
    pub service: String,
    /// What it is.
    pub span: Span,
}

impl OtlpSink {
    /// Starts a collector that takes everything.
    pub async fn start() -> Self {
        OtlpSink::answering(Answer::Accept).await
    }

    /// Starts a collector that answers in this way.
    pub async fn answering(answer: Answer) -> Self {
        let shared = Arc::new(Shared {
            answer: watch::channel(answer).0,
            received: Mutex::default(),
            changed: watch::channel(0).0,
        });
        let router = Router::new()
            .route("/v1/traces", post(receive))
            .route("/v1/metrics", post(receive))
            .with_state(shared.clone());
        OtlpSink { endpoint: Endpoint::router(router).await, shared }
    }

    /// Answers in this way from now on, also what waits for an answer.
    pub fn answer(&self, answer: Answer) {
        self.shared.answer.send_replace(answer);
    }

    /// Its address, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.endpoint.address())
    }

    /// All spans so far.
    ///
    /// # Panics
    /// When something was no OTLP, or compressed.
    pub fn spans(&self) -> Vec<SinkSpan> {
        let mut spans = Vec::new();
        for received in self.received("/v1/traces") {
            let request =
                ExportTraceServiceRequest::decode(received.body).expect("OTLP in protobuf");
            for resource in request.resource_spans {
                let attributes = resource.resource.map(|resource| resource.attributes);
                let service = text(&attributes.unwrap_or_default(), "service.name");
                let of_scopes = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.extend(of_scopes.map(|span| SinkSpan { service: service.clone(), span }));
            }
        }
        spans
    }

    /// The names of all metrics so far.
    ///
    /// # Panics
    /// When something was no OTLP, or compressed.
    pub fn metrics(&self) -> Vec<String> {
        let requests = self.received("/v1/metrics").into_iter().map(|received| {
            ExportMetricsServiceRequest::decode(received.body).expect("OTLP in protobuf")
        });
        let scopes = requests
            .flat_map(|request| request.resource_metrics)
            .flat_map(|resource| resource.scope_metrics);
        scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name).collect()
    }

    /// Every byte that was received, for searching.
    pub fn raw(&self) -> Vec<u8> {
        let received = self.shared.received.lock().unwrap_or_else(PoisonError::into_inner);
        let mut raw = Vec::new();
        for received in received.iter() {
            raw.extend_from_slice(received.path.as_bytes());
            for (name, value) in &received.headers {
                raw.extend_from_slice(name.as_str().as_bytes());
                raw.extend_from_slice(value.as_bytes());
            }
            raw.extend_from_slice(&received.body);
        }
        raw
    }

    /// Waits until a request came.
    ///
    /// # Panics
    /// When none does.
    pub async fn request(&self) {
        self.until(|sink| !sink.raw().is_empty()).await;
    }

    /// Waits until spans came, and metrics.
    ///
    /// # Panics
    /// When they do not.
    pub async fn spans_and_metrics(&self) {
        let of = |path: &str| !self.received(path).is_empty();
        self.until(|_| of("/v1/traces") && of("/v1/metrics")).await;
    }

    /// Waits until something holds.
    ///
    /// # Panics
    /// When it never does.
    async fn until(&self, holds: impl Fn(&OtlpSink) -> bool) {
        let mut changed = self.shared.changed.subscribe();
        let wait = changed.wait_for(|_| holds(self));
        let waited = tokio::time::timeout(PATIENCE, wait).await.map(|held| held.is_ok());
        assert_eq!(waited, Ok(true), "it came to hold; there is\n{}", tree(&self.spans()));
    }

    fn received(&self, path: &str) -> Vec<Received> {
        let received = self.shared.received.lock().unwrap_or_else(PoisonError::into_inner);
        let of_path: Vec<_> = received.iter().filter(|one| one.path == path).cloned().collect();
        for one in &of_path {
            assert!(one.headers.get("content-encoding").is_none(), "so the raw bytes are plain");
            assert_eq!(one.headers["content-type"], "application/x-protobuf");
        }
        of_path
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let received = Received { path: uri.path().to_owned(), headers, body };
    let count = {
        let mut all = shared.received.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(received);
        all.len()
    };
    shared.changed.send_replace(count);
    let mut answer = shared.answer.subscribe();
    let answer = answer.wait_for(|answer| *answer != Answer::Never).await;
    match *answer.expect("the sink is there") {
        Answer::Refuse(status) => StatusCode::from_u16(status).expect("a status"),
        _ => StatusCode::OK,
    }
}

impl SinkSpan {
    /// An attribute as text; empty if there is none.
    pub fn attribute(&self, key: &str) -> String {
        text(&self.span.attributes, key)
    }

    /// The trace id in hex.
    pub fn trace_id(&self) -> String {
        hex(&self.span.trace_id)
    }

    /// The span id in hex.
    pub fn id(&self) -> String {
        hex(&self.span.span_id)
    }
}

/// Each span below its parent, sorted by name and attempt: `!` and the type of an error, links, `?` for a
/// parent that is not there.
pub fn tree(spans: &[SinkSpan]) -> String {
    let mut children: BTreeMap<&[u8], Vec<&SinkSpan>> = BTreeMap::new();
    for span in spans {
        let parent = spans.iter().find(|other| other.span.span_id == span.span.parent_span_id);
        let parent = parent.map_or(&b""[..], |parent| &parent.span.span_id);
        children.entry(parent).or_default().push(span);
    }
    let key = |span: &&SinkSpan| {
        (
            span.span.name.clone(),
            span.attribute("inngest.step.index"),
            span.attribute("inngest.step.attempt"),
        )
    };
    children.values_mut().for_each(|spans| spans.sort_by_key(key));
    let mut text = String::new();
    write(&children, spans, b"", 0, &mut text);
    text
}

fn write(
    children: &BTreeMap<&[u8], Vec<&SinkSpan>>,
    all: &[SinkSpan],
    parent: &[u8],
    depth: usize,
    text: &mut String,
) {
    for span in children.get(parent).into_iter().flatten() {
        let orphan = if depth == 0 && !span.span.parent_span_id.is_empty() { "?" } else { "" };
        text.push_str(&format!("{}{orphan}{}", "  ".repeat(depth), span.span.name));
        let status = span.span.status.as_ref().map(|status| status.code);
        if status == Some(SpanStatus::Error as i32) {
            text.push_str(&format!(" !{}", span.attribute("error.type")));
        }
        for link in &span.span.links {
            let linked = all.iter().find(|other| {
                other.span.span_id == link.span_id && other.span.trace_id == link.trace_id
            });
            let name = linked.map_or_else(
                || "?".to_owned(),
                |linked| {
                    let attempt = linked.attribute("inngest.step.attempt");
                    format!("{} {attempt}", linked.span.name).trim_end().to_owned()
                },
            );
            text.push_str(&format!(" -> {name}"));
        }
        text.push('\n');
        write(children, all, &span.span.span_id, depth + 1, text);
    }
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()) {
        Some(AnyValue { value: Some(any_value::Value::StringValue(text)) }) => text.clone(),
        Some(AnyValue { value: Some(any_value::Value::IntValue(number)) }) => number.to_string(),
        Some(AnyValue { value: Some(any_value::Value::BoolValue(flag)) }) => flag.to_string(),
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
