//! Correlation ids, on the engine and in a host with payloads.

use std::sync::Arc;

use hookstack_core::host::{BoxFuture, CallGuard, Execution, Host};
use hookstack_core::{
    Call, CallInfo, Error, Event, FunctionInfo, Input, Middleware, Outcome, Payload, Stack,
};
use hookstack_inngest::{App, Function};
use hookstack_logging::{CorrelationId, LogLayer, Logging};
use http::{HeaderMap, StatusCode};
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

/// The smallest host that has payloads.
struct Requests;

impl Host for Requests {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match cx.enter().await {
                Ok(()) => {
                    info!("line");
                    Outcome::ok(&1)
                }
                Err(error) => error.into(),
            }
        })
    }

    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        (StatusCode::OK, HeaderMap::new())
    }
}

fn of_request(correlation: CorrelationId, payload: &Value) -> Option<Value> {
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let logging = Logging::builder().correlation_id(correlation).build();
    let stack = Arc::new(Stack::builder().with(logging).build());
    let function = Arc::new(FunctionInfo::new("handler"));
    let call = Call::new(CallInfo::new("service", function, "request-1"));
    let mut input = Input::default();
    input.payload = Payload::new(payload).expect("JSON");
    let answered = block_on(CallGuard::new(stack, call).run(&mut Requests, input));
    drop(block_on(answered.after_response()));
    let line =
        lines.json().into_iter().find(|line| line.text("message") == "line").expect("a line");
    assert_eq!(line.text("run_id"), "request-1");
    line.get("correlation_id").cloned()
}

#[test]
fn of_lambda_events() {
    let gateway = json!({ "requestContext": { "requestId": "r-1" }, "body": "x" });
    let balancer = json!({ "headers": { "x-amzn-trace-id": "Root=1-2" } });
    let bridge = json!({ "id": "e-1", "detail": { "id": "other" } });
    let queue = json!({ "Records": [{ "messageId": "m-1" }, { "messageId": "m-2" }] });
    let topic = json!({ "Records": [{ "Sns": { "MessageId": "s-1" } }] });
    let resolver = json!({ "request": { "headers": { "x-amzn-trace-id": "Root=3" } } });
    let object = json!({ "xAmzRequestId": "x-1" });
    for (correlation, event, expected) in [
        (CorrelationId::API_GATEWAY_REST, &gateway, "r-1"),
        (CorrelationId::API_GATEWAY_HTTP, &gateway, "r-1"),
        (CorrelationId::LAMBDA_FUNCTION_URL, &gateway, "r-1"),
        (CorrelationId::APPSYNC_AUTHORIZER, &gateway, "r-1"),
        (CorrelationId::APPLICATION_LOAD_BALANCER, &balancer, "Root=1-2"),
        (CorrelationId::EVENT_BRIDGE, &bridge, "e-1"),
        (CorrelationId::SQS, &queue, "m-1"),
        (CorrelationId::SNS, &topic, "s-1"),
        (CorrelationId::APPSYNC_RESOLVER, &resolver, "Root=3"),
        (CorrelationId::S3_OBJECT_LAMBDA, &object, "x-1"),
        (CorrelationId::in_payload("/Records/1/messageId"), &queue, "m-2"),
    ] {
        assert_eq!(of_request(correlation, event), Some(json!(expected)));
    }
    assert_eq!(of_request(CorrelationId::SQS, &gateway), None);
    assert_eq!(of_request(CorrelationId::EVENT_ID, &gateway), None);
    assert_eq!(of_request(CorrelationId::in_event_data("/id"), &bridge), None);
}

#[test]
fn payloads_are_asked_for_only_when_they_are_read() {
    let reads =
        |correlation| Logging::builder().correlation_id(correlation).build().reads_payload();
    assert!(!Logging::new().reads_payload());
    assert!(!reads(CorrelationId::in_event_data("/id")));
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
