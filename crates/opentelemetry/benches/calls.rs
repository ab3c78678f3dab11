//! What a call costs with traces and metrics on, sampled out and off, and without the middleware.
//!
//! `step` is a call that executes a step, `end` the call that ends the run: from the bytes of the request to
//! the end of `after_response`, with 1 KiB of event. `request` is one of HTTP, on a host that does nothing. `hooks` is a middleware that overrides the same hooks and
//! does nothing in them. The floor is a span with the attributes of a step by the bare API, and the
//! derivation of ids. No span processor takes the spans: exporting is not measured.
//!
//! Run with `cargo bench -p hookstack-opentelemetry --features sdk --bench calls`; the bench `allocations`
//! runs the same code under a counting allocator, which would blur the times here.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use divan::{Bencher, black_box};
use hookstack_core::{
    AfterResponse, Call, Completed, Error, Middleware, Next, NextRequest, NextStep, Outcome,
    Payload, Result, Stack, StepHash, TransformInput, TransformOutput,
};
use hookstack_inngest::{App, CallRequest, Function, Step};
use hookstack_opentelemetry::{OpenTelemetry, OpenTelemetryBuilder, for_runs};
use hookstack_testing::Request;
use opentelemetry::metrics::noop::NoopMeterProvider;
use opentelemetry::trace::noop::NoopTracerProvider;
use opentelemetry::trace::{Span, TraceId, Tracer, TracerProvider};
use opentelemetry::{Context as OtelContext, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanProcessor};

pub(crate) fn main() {
    divan::Divan::default().sample_count(3000).sample_size(50).config_with_args().main();
}

/// Nothing here waits for anything but itself; an executor's own cost would blur the figures.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

#[derive(Debug)]
struct Nowhere;

impl SpanProcessor for Nowhere {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &OtelContext) {}
    fn on_end(&self, span: SpanData) {
        black_box(span);
    }
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn provider() -> SdkTracerProvider {
    for_runs(SdkTracerProvider::builder(), Sampler::AlwaysOn).with_span_processor(Nowhere).build()
}

/// Aggregates, and exports nothing while it is measured.
fn meters() -> SdkMeterProvider {
    let reader = PeriodicReader::builder(InMemoryMetricExporter::default());
    let reader = reader.with_interval(Duration::from_secs(3600)).build();
    SdkMeterProvider::builder().with_reader(reader).build()
}

/// The hooks of [`OpenTelemetry`] that a call dispatches.
struct Hooks;

impl Middleware for Hooks {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        next.run(cx).await
    }
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        Ok(())
    }
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        next.run(cx).await
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        next.run(cx).await
    }
    async fn transform_output(&self, _: &mut TransformOutput<'_>) -> Result {
        Ok(())
    }
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        Ok(())
    }
}

const SUBJECTS: [&str; 7] =
    ["without", "hooks", "off", "sampled out", "metrics", "spans", "spans and metrics"];

fn middleware(subject: &str) -> OpenTelemetry {
    let off = || {
        let builder = OpenTelemetry::builder();
        builder
            .tracer_provider(&NoopTracerProvider::new())
            .meter_provider(&NoopMeterProvider::new())
    };
    let builder: OpenTelemetryBuilder = match subject {
        "off" => off(),
        "sampled out" => off().tracer_provider(&provider()).sample_ratio(0.0),
        "metrics" => off().meter_provider(&meters()),
        "spans" => off().tracer_provider(&provider()),
        "spans and metrics" => off().tracer_provider(&provider()).meter_provider(&meters()),
        other => unreachable!("{other}"),
    };
    builder.build()
}

fn app(subject: &str) -> App {
    let app = App::builder("bench");
    let app = match subject {
        "without" => app,
        "hooks" => app.with(Hooks),
        subject => app.with(middleware(subject)),
    };
    let handler =
        async |step: Step| step.run("s", async || Ok::<_, Error>(1)).await.map_err(Error::from);
    let function = Function::builder("f").on_event("t/event").handler(handler);
    app.function(function).build().unwrap()
}

/// The hash of the step `s`.
const HASH: &str = "a0f1490a20d0211c997b44bc357e1972deab8ae3";

fn call_request(is_end: bool) -> Bytes {
    let data = serde_json::json!({ "text": "x".repeat(1000) });
    let event = serde_json::json!({ "name": "t/event", "id": "01H", "ts": 1, "data": data });
    let (stack, steps) = match is_end {
        true => (vec![HASH], serde_json::json!({ HASH: { "data": 1 } })),
        false => (vec![], serde_json::json!({})),
    };
    let body = serde_json::json!({
        "ctx": {
            "run_id": "01M7YBP3XYDY6NFTP612ND2JSP", "attempt": 0, "max_attempts": 4,
            "disable_immediate_execution": false, "use_api": false,
            "stack": { "stack": stack, "current": stack.len() },
        },
        "event": event, "events": [event], "steps": steps,
    });
    Bytes::from(body.to_string())
}

fn bench(bencher: Bencher<'_, '_>, subject: &str, is_end: bool, status: u16) {
    let (app, body) = (app(subject), call_request(is_end));
    let call = || {
        ready(async {
            let response = app.call(CallRequest::new("bench-f", body.clone())).await;
            let answered = response.status;
            response.after_response().await;
            answered
        })
    };
    assert_eq!(call(), status);
    bencher.bench_local(|| black_box(call()));
}

#[divan::bench(args = SUBJECTS)]
fn step(bencher: Bencher<'_, '_>, subject: &str) {
    bench(bencher, subject, false, 206);
}

#[divan::bench(args = SUBJECTS)]
fn end(bencher: Bencher<'_, '_>, subject: &str) {
    bench(bencher, subject, true, 200);
}

/// A request of HTTP, whose making is not measured.
fn order() -> Request {
    let parts = http::Request::get("/orders/7")
        .header("host", "shop.example")
        .header("user-agent", "curl/8")
        .body(())
        .unwrap()
        .into_parts();
    Request::http("GET", "/orders/{id}").platform(parts.0)
}

/// A request of HTTP on a host that does nothing.
#[divan::bench(args = SUBJECTS)]
fn request(bencher: Bencher<'_, '_>, subject: &str) {
    let stack = match subject {
        "without" => Stack::builder(),
        "hooks" => Stack::builder().with(Hooks),
        subject => Stack::builder().with(middleware(subject)),
    };
    let stack = Arc::new(stack.build());
    bencher.with_inputs(order).bench_local_values(|request| {
        ready(request.call(stack.clone(), async |payload| Outcome::Done(Ok(payload))))
    });
}

#[divan::bench]
fn floor_span(bencher: Bencher<'_, '_>) {
    let tracer = provider().tracer("bench");
    bencher.bench_local(|| {
        let mut builder = tracer.span_builder("s");
        builder.attributes = Some(vec![
            KeyValue::new("faas.name", "f".to_owned()),
            KeyValue::new("inngest.run.id", "01M7YBP3XYDY6NFTP612ND2JSP".to_owned()),
            KeyValue::new("inngest.step.id", "s".to_owned()),
            KeyValue::new("inngest.step.index", 0),
            KeyValue::new("inngest.step.hash", HASH.to_owned()),
            KeyValue::new("inngest.step.attempt", 0),
        ]);
        tracer.build_with_context(builder, &OtelContext::new()).end();
    });
}

#[divan::bench]
fn floor_ids_of_run() -> TraceId {
    hookstack_opentelemetry::trace_id_of_run(black_box("01M7YBP3XYDY6NFTP612ND2JSP"))
}

#[divan::bench]
fn floor_id_of_step(bencher: Bencher<'_, '_>) {
    let hash = StepHash::from_hex(HASH).unwrap();
    bencher.bench_local(|| hookstack_opentelemetry::span_id_of_step(black_box(hash), black_box(0)));
}
