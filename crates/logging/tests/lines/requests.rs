//! Requests to HTTP services and AWS Lambda functions.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hookstack_core::{
    Error, ErrorKind, Middleware, Outcome, Payload, Result, Stack, TraceContext, TransformOutput,
};
use hookstack_logging::{LogLayer, Logging, LoggingBuilder, OwnLines};
use hookstack_testing::{Canary, Request};
use serde_json::{Value, json};
use tracing::{debug, info};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry};

use crate::support::{Lines, Object, block_on};

fn http() -> Request {
    Request::http("GET", "/orders/{id}")
}

fn lambda() -> Request {
    Request::lambda("charge").platform(Request::lambda_info("charge"))
}

/// The lines of a call whose handler says `line`.
fn lines_of(logging: LoggingBuilder, request: Request, outcome: Outcome) -> Vec<Object> {
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    let _default = tracing::subscriber::set_default(registry().with(layer));
    let stack = Stack::builder().with(logging.build()).build();
    let handler = async move |_| {
        info!("line");
        outcome
    };
    block_on(request.call(stack, handler));
    lines.json()
}

fn said(request: Request) -> Object {
    let lines = lines_of(Logging::builder(), request, Outcome::ok(&1)).into_iter();
    let mut line = lines.into_iter().find(|line| !line.is_own()).expect("a line");
    for known in ["timestamp", "level", "message", "target"] {
        assert!(line.0.remove(known).is_some(), "{known}");
    }
    line
}

fn object(value: Value) -> Object {
    serde_json::from_value(value).expect("an object")
}

#[test]
fn a_line_in_a_request() {
    let told = json!({
        "service": "app",
        "cold_start": true,
        "function_id": "GET /orders/{id}",
        "run_id": Request::ID,
        "request_id": Request::ID,
        "http_method": "GET",
        "http_route": "/orders/{id}",
        "attempt": 0,
    });
    assert_eq!(said(http()), object(told));
    assert_eq!(said(Request::http("GET", "")).get("http_route"), None);
}

#[test]
fn a_line_in_an_invocation() {
    let told = json!({
        "service": "app",
        // As the host says, whatever this middleware saw.
        "cold_start": false,
        "function_id": "charge",
        "run_id": Request::ID,
        "request_id": Request::ID,
        "function_name": "charge",
        "function_arn": "arn:aws:lambda:eu-central-1:123456789012:function:charge",
        "memory_mib": 128,
        "attempt": 0,
    });
    assert_eq!(said(lambda()), object(told));
}

#[test]
fn a_field_of_the_user_stands_beside_a_key_of_the_line() {
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    let _default = tracing::subscriber::set_default(registry().with(layer));
    let stack = Arc::new(Stack::builder().with(Logging::new()).build());
    for request in [http(), lambda()] {
        let handler = async |_| {
            info!(http_method = "mine", memory_mib = 1, "line");
            Outcome::ok(&1)
        };
        block_on(request.call(stack.clone(), handler));
    }
    let lines: Vec<_> = lines.json().into_iter().filter(|line| !line.is_own()).collect();
    assert_eq!(lines[0].text("fields.http_method"), "mine");
    assert_eq!(lines[0].get("memory_mib"), Some(&json!(1)));
    assert_eq!(lines[1].text("http_method"), "mine");
    assert_eq!(lines[1].get("fields.memory_mib"), Some(&json!(1)));
}

#[test]
fn the_trace_is_the_callers_unless_a_middleware_traces() {
    const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
    let trace_of = |line: &Object| line.get("trace_id").cloned();
    let w3c = Some(json!("4bf92f3577b34da6a3ce929d0e0e4736"));
    let x_ray = Some(json!("5759e988bd862e3fe1be46a994272793"));
    let with = |key, value| said(http().trace(key, value));
    assert_eq!(trace_of(&with("traceparent", W3C)), w3c);
    assert_eq!(with("traceparent", W3C).get("span_id"), None);
    assert_eq!(trace_of(&with("x-amzn-trace-id", XRAY)), x_ray);
    assert_eq!(
        trace_of(&said(http().trace("x-amzn-trace-id", XRAY).trace("traceparent", W3C))),
        w3c
    );
    assert_eq!(trace_of(&with("traceparent", "00-x")), None);

    struct Traces;
    impl Middleware for Traces {
        async fn around_request(
            &self,
            cx: &mut hookstack_core::Call,
            next: hookstack_core::NextRequest<'_>,
        ) -> hookstack_core::Result<hookstack_core::Completed> {
            cx.set_trace(TraceContext::new([0xab; 16], [1; 8], true));
            next.run(cx).await
        }
    }
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    let _default = tracing::subscriber::set_default(registry().with(layer));
    let stack = Stack::builder().with(Traces).with(Logging::new()).build();
    let handler = async |_| {
        info!("line");
        Outcome::ok(&1)
    };
    block_on(http().trace("traceparent", W3C).call(stack, handler));
    let line = lines.json().into_iter().find(|line| !line.is_own()).expect("a line");
    assert_eq!((line.text("trace_id"), line.text("span_id")), ("ab".repeat(16), "01".repeat(8)));
}

/// Level, message, status and outcome of the middleware's own lines.
fn own(request: Request, outcome: Outcome) -> Vec<String> {
    let lines = lines_of(Logging::builder(), request, outcome).into_iter();
    let tell = |line: Object| {
        let more = ["status", "outcome", "error_name"].map(|key| match line.get(key) {
            Some(value) => format!(" {value}"),
            None => String::new(),
        });
        format!("{} {}{}", line.text("level"), line.text("message"), more.concat())
    };
    lines.filter(Object::is_own).map(tell).filter(|line| line != "DEBUG call started").collect()
}

#[test]
fn failures_are_told_and_mistakes_of_the_caller_are_not() {
    let declined = || Outcome::from(Error::message("no").with_name("Declined"));
    let invalid = || Outcome::from(Error::of_kind(ErrorKind::InvalidInput, "no"));
    assert_eq!(own(http(), Outcome::ok(&1)), [r#"DEBUG call ended 200 "returned""#]);
    let ended = |status: u16| format!(r#"DEBUG call ended {status} "client_error""#);
    let refused = |status: u16, name: &str| {
        vec![format!(r#"DEBUG request refused {status} "{name}""#), ended(status)]
    };
    assert_eq!(own(http().answers(404), Outcome::ok(&1)), [ended(404)]);
    assert_eq!(own(http().answers(409), declined()), refused(409, "Declined"));
    assert_eq!(own(http(), invalid()), refused(400, "InvalidInput"));
    assert_eq!(
        own(http(), declined()),
        [r#"ERROR function failed 500 "Declined""#, r#"DEBUG call ended 500 "failed""#]
    );
    assert_eq!(
        own(http().answers(503), Outcome::ok(&1)),
        ["ERROR answered with a server error 503", r#"DEBUG call ended 503 "failed""#]
    );
    // An invocation fails or it does not, and has no status of its own.
    assert_eq!(
        own(lambda(), invalid()),
        [r#"ERROR function failed "InvalidInput""#, r#"DEBUG call ended 500 "failed""#]
    );
}

#[test]
fn what_is_held_of_a_request_is_written_when_it_fails_only() {
    for (status, is_written) in [(200, false), (404, false), (503, true)] {
        let lines = Lines::default();
        let layer = LogLayer::json().buffer(1 << 16).writer(lines.clone());
        let _default = tracing::subscriber::set_default(registry().with(layer));
        let stack = Stack::builder().with(Logging::new()).build();
        let handler = async |_| {
            debug!("detail");
            Outcome::ok(&1)
        };
        block_on(http().answers(status).call(stack, handler));
        assert_eq!(lines.count("detail") == 1, is_written, "{status}");
    }
}

const LONG: Duration = Duration::from_secs(600);

/// A call with its deadline in ten minutes and a second, that waits until something is written.
fn waiting(logging: LoggingBuilder, wait: impl Fn(&Lines) -> bool + Send) -> Lines {
    let lines = Lines::default();
    let layer = LogLayer::json().buffer(1 << 16).writer(lines.clone());
    let _default = tracing::subscriber::set_default(registry().with(layer));
    let stack = Stack::builder().with(logging.build()).build();
    let deadline = SystemTime::now() + LONG + Duration::from_secs(1);
    let seen = lines.clone();
    let handler = async move |_| {
        debug!("detail");
        // It blocks its executor, but not for ever.
        for _ in 0..60_000 {
            if wait(&seen) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Outcome::ok(&1)
    };
    block_on(lambda().deadline(deadline).call(stack, handler));
    lines
}

#[test]
fn a_call_is_warned_about_before_its_deadline() {
    let logging = Logging::builder().deadline_warning(LONG);
    let lines = waiting(logging, |lines| lines.count("close to its deadline") == 1);
    let lines = lines.json();
    let warning = lines.iter().find(|line| line.text("level") == "WARN").expect("a warning");
    assert_eq!(warning.text("message"), "call is close to its deadline");
    assert_eq!(warning.text("request_id"), Request::ID);
    let left = warning.get("remaining_ms").and_then(Value::as_u64).expect("a number");
    assert!(left <= 600_000, "{left}");
    // What was held may be all that is ever heard of it.
    assert_eq!(lines[0].text("message"), "call started");
    assert_eq!(lines[1].text("message"), "detail");
}

#[test]
fn without_own_lines_what_is_held_is_written_all_the_same() {
    let logging = Logging::builder().own_lines(OwnLines::Off).deadline_warning(LONG);
    let lines = waiting(logging, |lines| lines.count("detail") == 1);
    assert_eq!(lines.json().len(), 1);
}

#[test]
fn nobody_is_warned_about_who_is_not_late() {
    for before in [None, Some(LONG * 2), Some(Duration::from_secs(1))] {
        let lines = waiting(Logging::builder().deadline_warning(before), |_| true);
        assert_eq!(lines.text(), "", "{before:?}");
    }
}

struct Sensitive;

impl Middleware for Sensitive {
    fn sensitive(&self) -> bool {
        true
    }
}

#[test]
fn nothing_of_a_request_is_written() {
    let canary = Canary::new("canary \"7f3a\" ü chirps");
    let body = json!({ "note": canary.text() }).to_string();
    let (json, people, plain) = (Lines::default(), Lines::default(), Lines::default());
    let subscriber = registry()
        .with(LogLayer::json().writer(json.clone()))
        .with(LogLayer::terminal().writer(people.clone()))
        .with(fmt::layer().with_writer(plain.clone()));
    let _default = tracing::subscriber::set_default(subscriber);
    let stack = Arc::new(Stack::builder().with(Logging::new()).with(Sensitive).build());
    let header = "canary-7f3a-header";
    for request in [http(), lambda(), http().answers(404)] {
        let parts = http::Request::get(format!("/orders/{header}?q={header}"))
            .header("authorization", header)
            .header("cookie", header)
            .body(())
            .expect("a request")
            .into_parts();
        let request = request.platform(parts.0).trace("baggage", header);
        let fails = async |payload: Payload| {
            info!("it runs");
            Error::message(format!("no room for {:?}", payload.value().expect("JSON"))).into()
        };
        block_on(request.payload(&body).call(stack.clone(), fails));
    }
    for lines in [json, people, plain] {
        canary.assert_absent("lines", lines.bytes());
        Canary::new(header).assert_absent("lines", lines.bytes());
        // Two failed; why the third was refused is a line for developers.
        assert_eq!((lines.count("it runs"), lines.count("[redacted]")), (3, 3));
    }
}

/// What a layer around this one goes by.
#[test]
fn an_error_is_noted_as_told_only_if_its_line_is_written() {
    #[derive(Clone, Default)]
    struct Around(Arc<Mutex<Option<bool>>>);
    impl Middleware for Around {
        async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
            *self.0.lock().expect("no panic") = cx.error().map(|error| error.is_told_by("Logging"));
            Ok(())
        }
    }
    let is_noted = |own_lines, level: LevelFilter, kind| {
        let around = Around::default();
        let layer = LogLayer::json().writer(Lines::default());
        let _default = tracing::subscriber::set_default(registry().with(level).with(layer));
        let logging = Logging::builder().own_lines(own_lines).build();
        let stack = Stack::builder().with(around.clone()).with(logging).build();
        block_on(http().call(stack, async move |_| Error::of_kind(kind, "?").into()));
        let noted = around.0.lock().expect("no panic").take();
        noted.expect("there was an error")
    };
    let (failure, refusal) = (ErrorKind::Failure, ErrorKind::InvalidInput);
    let (debug, info) = (LevelFilter::DEBUG, LevelFilter::INFO);
    assert!(is_noted(OwnLines::Failures, info, failure));
    assert!(!is_noted(OwnLines::Off, debug, failure));
    // A mistake of the caller's is a line for developers.
    assert!(is_noted(OwnLines::All, debug, refusal));
    assert!(!is_noted(OwnLines::All, info, refusal));
    assert!(!is_noted(OwnLines::Failures, debug, refusal));
}
