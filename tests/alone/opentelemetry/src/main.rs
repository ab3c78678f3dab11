//! OpenTelemetry around an HTTP service: a request is one span, below the trace of its caller.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::get;
use hookstack_core::{Result, Stack};
use hookstack_http::layer;
use hookstack_opentelemetry::OpenTelemetry;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tower::ServiceExt;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let traces = OpenTelemetry::builder().tracer_provider(&provider).build();
    let app = Router::new().route("/orders/{id}", get(async || "an order"));
    let hooks = layer(Stack::builder().with(traces))?;
    let app = app.layer(hooks.clone());

    let request = Request::get("/orders/7").header("traceparent", CALLER).body(Body::empty())?;
    let response = app.oneshot(request).await?;
    // The span ends behind the last byte.
    to_bytes(response.into_body(), usize::MAX).await?;
    hooks.drain().await;

    let spans = exporter.get_finished_spans()?;
    assert_eq!(spans.len(), 1, "{spans:?}");
    assert_eq!((&*spans[0].name, &spans[0].span_kind), ("GET /orders/{id}", &SpanKind::Server));
    assert!(CALLER.contains(&spans[0].span_context.trace_id().to_string()), "{spans:?}");
    assert!(CALLER.contains(&spans[0].parent_span_id.to_string()), "{spans:?}");
    println!("opentelemetry: span {} of trace {}", spans[0].name, spans[0].span_context.trace_id());
    Ok(())
}
