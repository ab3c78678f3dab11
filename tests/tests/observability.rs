//! Logging, OpenTelemetry, Sentry and encryption in one stack, sending to real sockets: what they tell fits
//! together, and nothing of the user's is in any byte of it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use hookstack_core::redact::ErrorMessages;
use hookstack_core::{Error, Middleware, Stack};
use hookstack_encryption::{Context, Origin};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, AppBuilder, Data, Function};
use hookstack_logging::{LogLayer, Logging};
use hookstack_opentelemetry::{CallSpans, Telemetry};
use hookstack_sentry::{Capture, Sentry};
use hookstack_testing::{Canary, Request};
use hookstack_tests::shop::{CANARIES, R, encryption, functions, keys, run_all};
use hookstack_tests::sinks::otlp::OtlpSink;
use hookstack_tests::sinks::sentry::SentrySink;
use sentry::ClientOptions;
use serde_json::Value;
use tracing_subscriber::prelude::*;

/// The lines of the run that this thread began: the tests run one after the other on one runtime each, and a
/// subscriber is there once for the whole process.
static LINES: OnceLock<Lines> = OnceLock::new();
/// One test at a time, because they share the subscriber.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(line);
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lines() -> &'static Lines {
    LINES.get_or_init(|| {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = LogLayer::json().service("shop").writer(move || writer.clone());
        tracing_subscriber::registry().with(layer).try_init().expect("nobody else set one");
        lines
    })
}

/// All that was told about the shop.
struct Told {
    lines: Vec<u8>,
    spans: OtlpSink,
    reports: SentrySink,
}

/// Takes longer than a call may.
async fn too_long(Data(_): Data<Value>) -> R<Value> {
    tokio::time::sleep(Duration::from_secs(3600)).await;
    Ok(Value::Null)
}

fn shop(middleware: impl IntoIterator<Item = hookstack_core::BoxMiddleware>) -> AppBuilder {
    let app = App::builder("shop").call_timeout(Duration::from_secs(2));
    let app = middleware.into_iter().fold(app, AppBuilder::with);
    let slow = Function::builder("slow").on_event("shop/order").retries(0).handler(too_long);
    functions(app).function(slow)
}

async fn told(messages: ErrorMessages, encryption_first: bool) -> Told {
    let lines = lines();
    lines.take();
    let (spans, reports) = (OtlpSink::start().await, SentrySink::start().await);
    let telemetry = Telemetry::builder("shop").endpoint(spans.origin()).build().expect("providers");
    let client = reports.client(ClientOptions::new().traces_sample_rate(1.0));
    let mut stack = vec![
        telemetry.middleware().error_messages(messages).call_spans(CallSpans::All).build().boxed(),
        Sentry::builder()
            .client(client.clone())
            .error_messages(messages)
            .capture(Capture::EveryAttempt)
            .step_errors(true)
            .build()
            .boxed(),
        Logging::builder().error_messages(messages).build().boxed(),
    ];
    stack.insert(if encryption_first { 0 } else { 3 }, encryption().boxed());
    let engine: Engine = run_all(shop(stack)).await;
    for (function, status) in [
        ("shop-main", RunStatus::Completed),
        ("shop-fails", RunStatus::Failed),
        ("shop-panics", RunStatus::Failed),
        ("shop-slow", RunStatus::Failed),
    ] {
        assert_eq!(engine.runs_of(function)[0].status, status, "{function}");
    }
    let sent = tokio::task::spawn_blocking(move || {
        client.flush(Some(Duration::from_secs(60)));
        telemetry.shutdown()
    });
    sent.await.expect("no panic").expect("the collector took everything");
    Told { lines: lines.take(), spans, reports }
}

impl Told {
    fn found(&self) -> Vec<&'static str> {
        let everything = [&self.lines[..], &self.spans.raw(), &self.reports.bytes()];
        let is_in = |canary: &Canary| everything.iter().any(|bytes| canary.find(bytes).is_some());
        CANARIES.into_iter().filter(|canary| is_in(&Canary::new(*canary))).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_users_is_in_any_byte() {
    let _turn = TURN.lock().await;
    for encryption_first in [true, false] {
        let told = told(ErrorMessages::Auto, encryption_first).await;
        assert!(told.lines.len() > 10_000 && told.spans.spans().len() > 20);
        assert!(told.reports.events().len() >= 4, "failures, a panic and a time limit are told of");
        assert_eq!(told.found(), Vec::<&str>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_scan_finds_what_errors_quote_where_it_is_to_be_shown() {
    let _turn = TURN.lock().await;
    let told = told(ErrorMessages::Show, false).await;
    let texts = [
        "canary-caught-error",
        "canary-retried-error",
        "canary-child-error",
        "canary-function-error",
        "canary-error-source",
        "canary-panic",
    ];
    assert_eq!(told.found(), texts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_spans_and_reports_of_a_run_have_one_trace() {
    let _turn = TURN.lock().await;
    let told = told(ErrorMessages::Auto, false).await;
    let lines = String::from_utf8(told.lines.clone()).expect("UTF-8");
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let failed =
        lines.iter().find(|line| line["function_id"] == "panics" && line["level"] == "ERROR");
    let failed = failed.expect("the panic is told of");
    let trace = failed["trace_id"].as_str().expect("a trace");

    let spans = told.spans.spans();
    let run = spans.iter().find(|span| span.span.name == "panics").expect("the run is a span");
    let hex: String = run.span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, trace);

    let reports = told.reports.events();
    let report =
        reports.iter().find(|event| event.transaction.as_deref() == Some("inngest/panics"));
    let transactions: Vec<_> = reports.iter().map(|event| event.transaction.clone()).collect();
    let report = report.unwrap_or_else(|| panic!("the panic is no issue: {transactions:?}"));
    let contexts = &report.contexts;
    let Some(sentry::protocol::Context::Trace(context)) = contexts.get("trace") else {
        panic!("no trace in {contexts:?}");
    };
    assert_eq!(context.trace_id.to_string(), trace);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_failure_is_one_line_one_span_and_one_issue() {
    async fn fails() -> R<()> {
        Err(Error::message("always"))
    }
    let _turn = TURN.lock().await;
    lines().take();
    let (spans, reports) = (OtlpSink::start().await, SentrySink::start().await);
    let telemetry = Telemetry::builder("app").endpoint(spans.origin()).build().expect("providers");
    let client = reports.client(ClientOptions::new());
    let app = App::builder("app")
        .with(telemetry.middleware().build())
        .with(Sentry::builder().client(client.clone()).build())
        .with(Logging::new())
        .function(Function::builder("fails").on_event("e").retries(2).handler(fails));
    let engine = Engine::start(app).expect("the app");
    hookstack_tests::shop::send(&engine, "e", "e-1", serde_json::json!({})).await;
    engine.run_until_idle().await.expect("rest");
    assert_eq!(engine.runs()[0].calls.len(), 3);
    let sent = tokio::task::spawn_blocking(move || {
        client.flush(Some(Duration::from_secs(60)));
        telemetry.shutdown()
    });
    sent.await.expect("no panic").expect("the collector took everything");
    let lines = String::from_utf8(lines().take()).expect("UTF-8");
    let of_level = |level: &str| lines.matches(&format!("\"level\":\"{level}\"")).count();
    assert_eq!((of_level("ERROR"), of_level("WARN")), (1, 2), "{lines}");
    assert_eq!(reports.events().len(), 1);
    let runs = spans.spans().into_iter().filter(|span| span.span.name == "fails").count();
    assert_eq!(runs, 1, "the run is one span");
}

/// One request of HTTP and one invocation of Lambda, encrypted, that fail: all signals have the caller's trace,
/// and nothing of what was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_failed_request_is_one_line_one_span_and_one_issue_of_the_callers_trace() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let canary = Canary::new("canary-request-body");
    let _turn = TURN.lock().await;
    lines().take();
    let (spans, reports) = (OtlpSink::start().await, SentrySink::start().await);
    let telemetry = Telemetry::builder("app").endpoint(spans.origin()).build().expect("providers");
    let client = reports.client(ClientOptions::new().traces_sample_rate(1.0));
    let stack = Stack::builder()
        .with(telemetry.middleware().build())
        .with(Sentry::builder().client(client.clone()).build())
        .with(Logging::new())
        .with(encryption());
    let stack = Arc::new(stack.build());
    let body = serde_json::json!({ "note": canary.text() }).to_string();
    let seal = |context: &Context<'_>| {
        keys().seal(context, &Origin::default(), body.as_bytes()).expect("sealed")
    };
    let http = Request::http("POST", "/orders/{id}")
        .payload(seal(&Context::http_request("POST", "/orders/{id}")));
    let lambda = Request::lambda("charge").payload(seal(&Context::lambda_event("charge")));
    for request in [http, lambda] {
        let fails = async |payload: hookstack_core::Payload| {
            let value = payload.value().expect("JSON");
            Error::message(format!("no room for {value}")).with_name("Declined").into()
        };
        let request = request.trace("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"));
        let answer = request.call(stack.clone(), fails).await;
        assert_eq!(answer.status, 500);
        canary.assert_absent("answers", answer.result.expect_err("it fails").text());
    }
    let sent = tokio::task::spawn_blocking(move || {
        client.flush(Some(Duration::from_secs(60)));
        telemetry.shutdown()
    });
    sent.await.expect("no panic").expect("the collector took everything");

    let lines = String::from_utf8(lines().take()).expect("UTF-8");
    let errors: Vec<_> = lines.lines().filter(|l| l.contains("\"level\":\"ERROR\"")).collect();
    assert_eq!(errors.len(), 2, "{lines}");
    assert!(errors.iter().all(|line| line.contains(TRACE) && line.contains("[redacted]")));
    let spans_of_both = spans.spans();
    let names: Vec<_> = spans_of_both.iter().map(|span| span.span.name.as_str()).collect();
    assert_eq!(names, ["POST /orders/{id}", "charge"]);
    for span in &spans_of_both {
        assert_eq!(
            (span.trace_id(), span.attribute("error.type")),
            (TRACE.into(), "Declined".into())
        );
    }
    let issues = reports.events();
    let names: Vec<_> = issues.iter().filter_map(|issue| issue.transaction.as_deref()).collect();
    assert_eq!(names, ["POST /orders/{id}", "lambda/charge"]);
    for issue in &issues {
        let Some(sentry::protocol::Context::Trace(trace)) = issue.contexts.get("trace") else {
            panic!("no trace in {:?}", issue.contexts);
        };
        assert_eq!(trace.trace_id.to_string(), TRACE);
    }
    for (what, bytes) in
        [("lines", lines.into_bytes()), ("spans", spans.raw()), ("reports", reports.bytes())]
    {
        canary.assert_absent(what, bytes);
    }
}
