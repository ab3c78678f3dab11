//! Correlation ids, on the engine and in a host with payloads.

use hookstack_core::{Error, Event, Middleware, Outcome, Stack};
use hookstack_inngest::{App, Function};
use hookstack_logging::{CorrelationId, LogLayer, Logging};
use hookstack_testing::Request;
use serde_json::{Value, json};
use tracing::info;
use tracing_subscriber::prelude::*;

use crate::support::{EVENT, Lines, block_on, run_with};

fn line_of(correlation: CorrelationId, data: &Value) -> crate::support::Object {
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        info!("line");
        Ok::<_, Error>(1)
    });
    let logging = Logging::builder().correlation_id(correlation).build();
    let app = App::builder("shop").with(logging).function(function);
    let event = Event::new(EVENT, data).expect("an object").with_id("event-1");
    run_with(tracing_subscriber::registry().with(layer), app, event);
    lines.json().into_iter().find(|line| line.text("message") == "line").expect("a line")
}

#[test]
fn of_events() {
    let data = json!({ "order": { "id": "o-1", "total": 7 }, "customer": {} });
    let of = |correlation| line_of(correlation, &data).get("correlation_id").cloned();
    assert_eq!(of(CorrelationId::default()), Some(json!("event-1")));
    assert_eq!(of(CorrelationId::in_event_data("/order/id")), Some(json!("o-1")));
    assert_eq!(of(CorrelationId::in_event_data("/order/total")), Some(json!("7")));
    assert_eq!(of(CorrelationId::in_event_data("/customer")), None);
    assert_eq!(of(CorrelationId::in_event_data("/missing")), None);
    // There is no payload on this host.
    assert_eq!(of(CorrelationId::EVENT_BRIDGE), None);
}

/// The correlation id of a line that the handler of a request writes.
fn of_request(correlation: CorrelationId, request: Request) -> Option<Value> {
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let logging = Logging::builder().correlation_id(correlation).build();
    let handler = async |_| {
        info!("line");
        Outcome::ok(&1)
    };
    block_on(request.call(Stack::builder().with(logging).build(), handler));
    let line = lines.json().into_iter().find(|line| line.text("message") == "line");
    line.expect("a line").get("correlation_id").cloned()
}

macro_rules! payload {
    ($name:literal) => {
        Request::lambda("handler").payload(include_str!(concat!("payloads/", $name, ".json")))
    };
}

const ROOT: &str = "Root=1-6740a1b2-0c1d2e3f405162738495a6b7";

#[test]
fn of_lambda_events() {
    use CorrelationId as Id;
    for (correlation, request, expected) in [
        (
            Id::API_GATEWAY_REST,
            payload!("api_gateway_rest"),
            "3f0c5b1e-8d7a-4c55-9b8e-5f6f0a1b2c3d",
        ),
        (Id::API_GATEWAY_HTTP, payload!("api_gateway_http"), "JKJaXjPLvHcESHA="),
        (
            Id::LAMBDA_FUNCTION_URL,
            payload!("lambda_function_url"),
            "b2f0d8c4-71f3-4d0e-a9c5-6f3a0e5c9d21",
        ),
        (Id::APPLICATION_LOAD_BALANCER, payload!("application_load_balancer"), ROOT),
        (Id::EVENT_BRIDGE, payload!("event_bridge"), "6a7e8feb-b491-4cf7-a9f1-bf3703467718"),
        (Id::SQS, payload!("sqs"), "059f36b4-87a3-44ab-83d2-661975830a7d"),
        (Id::SNS, payload!("sns"), "95df01b4-ee98-5cb9-9903-4c221d41eb5e"),
        (Id::APPSYNC_RESOLVER, payload!("appsync_resolver"), ROOT),
        (
            Id::APPSYNC_AUTHORIZER,
            payload!("appsync_authorizer"),
            "b80ed838-14c6-4500-b4c3-b694c7bef086",
        ),
        (
            Id::S3_OBJECT_LAMBDA,
            payload!("s3_object_lambda"),
            "1a5ed718-5f53-471d-b6fe-5cf62d88d02a",
        ),
        (
            Id::in_payload("/Records/1/messageId"),
            payload!("sqs"),
            "2e1424d4-f796-459a-8184-9c92662be6da",
        ),
    ] {
        let what = format!("{correlation:?}");
        assert_eq!(of_request(correlation, request), Some(json!(expected)), "{what}");
    }
    assert_eq!(of_request(CorrelationId::SQS, payload!("event_bridge")), None);
    assert_eq!(of_request(CorrelationId::SQS, Request::lambda("handler")), None);
    assert_eq!(of_request(CorrelationId::EVENT_ID, payload!("event_bridge")), None);
    let in_data = CorrelationId::in_event_data("/id");
    assert_eq!(of_request(in_data, payload!("event_bridge")), None);
}

#[test]
fn of_a_header() {
    let of = |value: &[u8]| {
        let request = http::Request::get("/").header("X-Correlation-Id", value).body(());
        let parts = request.expect("a request").into_parts().0;
        let request = Request::http("GET", "/").platform(parts);
        of_request(CorrelationId::in_header("x-correlation-id"), request)
    };
    assert_eq!(of(b"c-1"), Some(json!("c-1")));
    let longest = "x".repeat(256);
    assert_eq!(of(longest.as_bytes()), Some(json!(longest)));
    for refused in [&b""[..], &[b'x'; 257], b"\xff"] {
        assert_eq!(of(refused), None, "{refused:?}");
    }
    let without = of_request(CorrelationId::in_header("x"), Request::http("GET", "/"));
    assert_eq!(without, None);
}

#[test]
fn payloads_are_asked_for_only_when_they_are_read() {
    let reads =
        |correlation| Logging::builder().correlation_id(correlation).build().reads_payload();
    assert!(!Logging::new().reads_payload());
    assert!(!reads(CorrelationId::in_event_data("/id")));
    assert!(!reads(CorrelationId::in_header("x-id")));
    assert!(reads(CorrelationId::in_payload("/id")) && reads(CorrelationId::SQS));
}

#[test]
fn the_span_has_it_too() {
    let lines = Lines::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(lines.clone()).with_ansi(false);
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        info!("line");
        Ok::<_, Error>(1)
    });
    let logging = Logging::builder().correlation_id(CorrelationId::in_event_data("/order")).build();
    let app = App::builder("shop").with(logging).function(function);
    let event = Event::new(EVENT, &json!({ "order": "o-1" })).expect("an object");
    run_with(tracing_subscriber::registry().with(layer), app, event);
    assert!(lines.text().contains("correlation_id=\"o-1\""), "{}", lines.text());
}
