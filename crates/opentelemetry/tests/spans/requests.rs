//! Requests to HTTP services and AWS Lambda functions.

use std::collections::BTreeMap;

use hookstack_core::{Error, ErrorKind, Middleware, Outcome, Stack};
use hookstack_opentelemetry::{OpenTelemetryBuilder, SenderTrace, trace_id_of_run};
use hookstack_testing::{Answer, Canary, Request};
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SpanData;

use crate::gather::{Gathered, attribute, trace_of};
use crate::metrics::recorded;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const XRAY_TRACE: &str = "5759e988bd862e3fe1be46a994272793";

struct Sensitive;

impl Middleware for Sensitive {
    fn sensitive(&self) -> bool {
        true
    }
}

fn ok() -> Outcome {
    Outcome::ok("done")
}

async fn call(middleware: OpenTelemetryBuilder, request: Request, outcome: Outcome) -> Answer {
    let stack = Stack::builder().with(middleware.build()).build();
    request.call(stack, async move |_| outcome).await
}

fn http() -> Request {
    let parts = http::Request::get("/orders/7?token=secret")
        .header("host", "shop.example:8443")
        .header("user-agent", "curl/8")
        .header("cookie", "secret")
        .version(http::Version::HTTP_2)
        .body(())
        .expect("a request")
        .into_parts();
    Request::http("GET", "/orders/{id}").platform(parts.0)
}

fn lambda() -> Request {
    let mut info = Request::lambda_info("charge");
    info.function_arn.as_mut().expect("it is told").push_str(":live");
    info.is_cold_start = true;
    Request::lambda("charge").platform(info)
}

fn attributes(span: &SpanData) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| (attribute.key.to_string(), attribute.value.to_string());
    span.attributes.iter().map(text).collect()
}

fn expected(attributes: &[(&str, &str)]) -> BTreeMap<String, String> {
    attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_request_of_http_is_one_span() {
    let gathered = Gathered::new();
    call(gathered.middleware(), http(), ok()).await;
    let span = gathered.one("GET /orders/{id}");
    assert_eq!(gathered.spans().len(), 1);
    assert_eq!((&span.span_kind, &span.status), (&SpanKind::Server, &Status::Unset));
    let told = expected(&[
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/orders/{id}"),
        ("network.protocol.version", "2"),
        ("request.id", Request::ID),
        ("server.address", "shop.example"),
        ("server.port", "8443"),
        ("url.path", "/orders/7"),
        ("url.scheme", "http"),
        ("user_agent.original", "curl/8"),
    ]);
    assert_eq!(attributes(&span), told);
}

#[tokio::test]
async fn an_invocation_of_a_lambda_function_is_one_span() {
    let gathered = Gathered::new();
    call(gathered.middleware(), lambda(), ok()).await;
    let span = gathered.one("charge");
    assert_eq!((&span.span_kind, &span.status), (&SpanKind::Server, &Status::Unset));
    let told = expected(&[
        ("aws.lambda.invoked_arn", "arn:aws:lambda:eu-central-1:123456789012:function:charge:live"),
        ("aws.log.group.names", "[\"/aws/lambda/charge\"]"),
        ("aws.log.stream.names", "[\"2026/11/21/[7]abc\"]"),
        ("cloud.account.id", "123456789012"),
        ("cloud.provider", "aws"),
        ("cloud.region", "eu-central-1"),
        ("cloud.resource_id", "arn:aws:lambda:eu-central-1:123456789012:function:charge:7"),
        ("faas.coldstart", "true"),
        ("faas.instance", "2026/11/21/[7]abc"),
        ("faas.invocation_id", Request::ID),
        ("faas.max_memory", "134217728"),
        ("faas.name", "charge"),
        ("faas.trigger", "other"),
        ("faas.version", "7"),
    ]);
    assert_eq!(attributes(&span), told);
}

#[tokio::test]
async fn the_caller_is_the_parent_w3c_before_x_ray() {
    let of = async |headers: &[(&str, &str)]| {
        let gathered = Gathered::new();
        let add = |request: Request, (key, value): &(&str, &str)| request.trace(key, value);
        call(gathered.middleware(), headers.iter().fold(lambda(), add), ok()).await;
        let spans = gathered.spans();
        spans.first().map(|span| (trace_of(span).to_string(), span.parent_span_id.to_string()))
    };
    let w3c = Some((TRACE.to_owned(), "00f067aa0ba902b7".to_owned()));
    let x_ray = Some((XRAY_TRACE.to_owned(), "53995c3f42cd8ad8".to_owned()));
    assert_eq!(of(&[("traceparent", W3C)]).await, w3c);
    assert_eq!(of(&[("x-amzn-trace-id", XRAY), ("traceparent", W3C)]).await, w3c);
    assert_eq!(of(&[("x-amzn-trace-id", XRAY)]).await, x_ray);
    assert_eq!(of(&[("x-amzn-trace-id", XRAY), ("traceparent", "00-0")]).await, x_ray);
    // The caller decided that the trace is dropped.
    assert_eq!(of(&[("traceparent", &W3C.replace("7-01", "7-00"))]).await, None);
    // X-Ray records nothing of it, or did not decide: the trace goes on, below nothing.
    let root = Some((XRAY_TRACE.to_owned(), SpanId::INVALID.to_string()));
    for header in [
        "Root=1-5759e988-bd862e3fe1be46a994272793",
        "Self=1-67891234-12456789abcdef0123456789;Root=1-5759e988-bd862e3fe1be46a994272793",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
    ] {
        assert_eq!(of(&[("x-amzn-trace-id", header)]).await, root, "{header}");
    }
    let own = Some((trace_id_of_run(Request::ID).to_string(), SpanId::INVALID.to_string()));
    assert_eq!(of(&[("x-amzn-trace-id", "Root=1-0-0"), ("traceparent", "x")]).await, own);
}

#[tokio::test]
async fn by_option_the_caller_is_linked() {
    let gathered = Gathered::new();
    let middleware = gathered.middleware().sender_trace(SenderTrace::Link);
    call(middleware, http().trace("traceparent", W3C), ok()).await;
    let span = gathered.one("GET /orders/{id}");
    assert_eq!(trace_of(&span), trace_id_of_run(Request::ID));
    assert_eq!(span.links.len(), 1);
    assert_eq!(span.links[0].span_context.trace_id().to_string(), TRACE);
}

#[tokio::test]
async fn code_runs_in_the_span() {
    for gathered in [Gathered::new(), Gathered::plain()] {
        let tracer = gathered.provider.tracer("shop");
        let stack = Stack::builder().with(gathered.middleware().build()).build();
        let handler = async |_| {
            Context::current().span().set_attribute(KeyValue::new("order.priority", 3));
            tracer.start("charge");
            ok()
        };
        http().call(stack, handler).await;
        let span = gathered.one("GET /orders/{id}");
        assert_eq!(attribute(&span, "order.priority"), "3");
        assert_eq!(gathered.one("charge").parent_span_id, span.span_context.span_id());
    }
}

#[tokio::test]
async fn a_repeated_request_id_is_another_span_of_the_same_trace() {
    let gathered = Gathered::new();
    for _ in 0..2 {
        call(gathered.middleware(), lambda(), ok()).await;
    }
    let spans = gathered.named("charge");
    assert_eq!(trace_of(&spans[0]), trace_of(&spans[1]));
    assert_ne!(spans[0].span_context.span_id(), spans[1].span_context.span_id());
}

#[tokio::test]
async fn a_dropped_request_is_dropped_as_a_whole() {
    let gathered = Gathered::new();
    let tracer = gathered.provider.tracer("shop");
    let middleware = gathered.middleware().sample_ratio(0.0).build();
    let stack = Stack::builder().with(middleware).build();
    let handler = async |_| {
        tracer.start("charge");
        ok()
    };
    http().call(stack, handler).await;
    assert!(gathered.spans().is_empty(), "{}", gathered.tree());
}

#[tokio::test]
async fn failures_are_errors_and_mistakes_of_the_caller_are_not() {
    let of = async |request: Request, outcome: Outcome| {
        let gathered = Gathered::new();
        call(gathered.middleware(), request, outcome).await;
        let span = gathered.spans().remove(0);
        let status = match &span.status {
            Status::Unset => "unset".to_owned(),
            Status::Error { description } => format!("error {description}"),
            Status::Ok => "ok".to_owned(),
        };
        let code = attribute(&span, "http.response.status_code");
        (code, status, attribute(&span, "error.type"), span.events.len())
    };
    let told = |code: &str, status: &str, error: &str, events| {
        (code.to_owned(), status.to_owned(), error.to_owned(), events)
    };
    let declined = || Error::message("no").with_name("Declined").into();
    let invalid = || Error::of_kind(ErrorKind::InvalidInput, "no").into();
    assert_eq!(of(http().answers(404), ok()).await, told("404", "unset", "", 0));
    assert_eq!(of(http(), invalid()).await, told("400", "unset", "", 0));
    assert_eq!(of(http().answers(409), declined()).await, told("409", "unset", "", 0));
    assert_eq!(of(http().answers(503), ok()).await, told("503", "error ", "503", 0));
    assert_eq!(of(http(), declined()).await, told("500", "error no", "Declined", 1));
    // An invocation fails or it does not.
    assert_eq!(of(lambda(), invalid()).await, told("", "error no", "InvalidInput", 1));
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_span() {
    let gathered = Gathered::new();
    let stack = Stack::builder().with(gathered.middleware().build()).build();
    let call = http().call(stack, async |_| std::future::pending().await);
    let limit = std::time::Duration::from_millis(1);
    assert!(tokio::time::timeout(limit, call).await.is_err());
    assert_eq!(attribute(&gathered.one("GET /orders/{id}"), "error.type"), "abandoned");
}

#[tokio::test]
async fn names_are_few_whatever_is_sent() {
    for (method, route, name) in
        [("GET", "", "GET"), ("BREW", "/pot", "HTTP /pot"), ("get", "", "HTTP"), ("", "", "HTTP")]
    {
        let gathered = Gathered::new();
        call(gathered.middleware(), Request::http(method, route), ok()).await;
        let span = gathered.one(name);
        assert_eq!(attribute(&span, "http.route"), route);
        let is_known = attribute(&span, "http.request.method") == method;
        assert!(is_known || attribute(&span, "http.request.method_original") == method);
    }
}

#[tokio::test]
async fn requests_are_measured_by_few_values() {
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let middleware = hookstack_opentelemetry::OpenTelemetry::builder().meter_provider(&provider);
    let stack = std::sync::Arc::new(Stack::builder().with(middleware.build()).build());
    let fails = || Outcome::from(Error::message("canary").with_name("canary"));
    for (request, outcome) in [
        (http(), ok()),
        (http().id("another"), ok()),
        (http(), fails()),
        (http().answers(404), fails()),
        (Request::http("BREW", "").answers(503), ok()),
        (lambda(), ok()),
        (lambda(), fails()),
    ] {
        request.call(stack.clone(), async move |_| outcome).await;
    }
    provider.force_flush().expect("exported");
    let lines = recorded(&exporter).into_iter().map(|(key, count)| format!("{key}: {count}"));
    let order = "http.server.request.duration http.request.method=GET";
    let rest = "http.route=/orders/{id} network.protocol.version=2 url.scheme=http";
    let brew = "http.server.request.duration http.request.method=_OTHER";
    let charge = "faas.name=charge faas.trigger=other";
    let mut expected = vec![
        format!("{order} http.response.status_code=200 {rest}: 2"),
        format!("{order} http.response.status_code=404 {rest}: 1"),
        format!("{order} http.response.status_code=500 {rest} error.type=failure: 1"),
        format!("{brew} http.response.status_code=503 url.scheme=http error.type=503: 1"),
        format!("faas.coldstarts {charge}: 2"),
        format!("faas.errors {charge} error.type=failure: 1"),
        format!("faas.invoke_duration {charge}: 1"),
        format!("faas.invoke_duration {charge} error.type=failed: 1"),
    ];
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn nothing_of_a_request_is_told_in_a_sensitive_stack() {
    let canary = Canary::new("canary-7f3a-chirps");
    let secret = canary.text();
    let parts = http::Request::post(format!("/orders/{secret}?q={secret}"))
        .header("authorization", format!("Bearer {secret}"))
        .header("x-note", secret)
        .header("cookie", secret)
        .body(())
        .expect("a request")
        .into_parts();
    let body = serde_json::json!({ "note": secret }).to_string();
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let metrics = SdkMeterProvider::builder().with_reader(reader).build();
    let gathered = Gathered::new();
    let middleware = gathered.middleware().meter_provider(&metrics).build();
    let stack = std::sync::Arc::new(Stack::builder().with(middleware).with(Sensitive).build());
    let requests = [Request::http("POST", "/orders/{id}").platform(parts.0), lambda()];
    for request in requests {
        let fails = async |payload: hookstack_core::Payload| {
            assert!(!payload.is_absent());
            Error::message(format!("no room for {:?}", payload.value().expect("JSON"))).into()
        };
        let answer = request.payload(&body).call(stack.clone(), fails).await;
        assert!(answer.result.expect_err("it fails").text().contains(secret));
    }
    metrics.force_flush().expect("exported");
    canary.assert_absent("spans", format!("{:?}", gathered.spans()));
    canary.assert_absent("metrics", format!("{:?}", exporter.get_finished_metrics()));
    assert_eq!(gathered.spans().len(), 2);
    assert!(gathered.spans().iter().all(|span| span.events.len() == 1));
}
