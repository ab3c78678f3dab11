//! Requests to HTTP services and AWS Lambda functions.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hookstack_core::{
    Error, ErrorKind, LambdaInfo, Middleware, Outcome, Payload, Stack, TraceContext,
};
use hookstack_sentry::{DeadlineWarning, Sentry, SentryBuilder};
use hookstack_testing::{Canary, Request};
use sentry::ClientOptions;
use sentry::protocol::{Context as Told, SpanStatus, Transaction, Value};
use serde_json::json;

use crate::support::{Issue, Sink, client, declined, exceptions, only, options, tag, trace};

fn http() -> Request {
    Request::http("POST", "/orders/{id}")
}

fn lambda() -> Request {
    let mut info = LambdaInfo::new(Request::ID);
    info.function_arn = Some("arn:aws:lambda:eu-central-1:123456789012:function:charge".to_owned());
    info.function_version = Some("7".to_owned());
    info.memory_mib = Some(128);
    info.region = Some("eu-central-1".to_owned());
    info.log_group = Some("/aws/lambda/charge".to_owned());
    info.log_stream = Some("2026/11/21/[7]abc".to_owned());
    Request::lambda("charge").platform(info)
}

/// A middleware that traces everything, and the sink of its client.
fn traced() -> (SentryBuilder, Arc<Sink>) {
    let (client, sink) = client(ClientOptions::traces_sample_rate(options(), 1.0));
    (Sentry::builder().client(client), sink)
}

async fn call(sentry: SentryBuilder, request: Request, outcome: Outcome) {
    let stack = Stack::builder().with(sentry.build()).build();
    request.call(stack, async move |_| outcome).await;
}

fn context<'a>(issue: &'a Issue, name: &str) -> &'a sentry::protocol::Map<String, Value> {
    match issue.contexts.get(name) {
        Some(Told::Other(context)) => context,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_an_issue_of_a_request_tells() {
    let (sentry, sink) = traced();
    call(sentry, http(), declined().into()).await;
    let issue = only(sink.issues());
    assert_eq!(issue.transaction.as_deref(), Some("POST /orders/{id}"));
    assert_eq!(exceptions(&issue).last(), Some(&("Declined", "the card was declined")));
    let tags: Vec<_> = issue.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        tags,
        [
            "app.id=app",
            "error.source=function",
            "http.request.method=POST",
            "http.response.status_code=500",
            "http.route=/orders/{id}",
            &format!("request.id={}", Request::ID),
        ]
    );
    let told = json!({
        "request_id": Request::ID, "method": "POST", "route": "/orders/{id}",
        "error_kind": "failure",
    });
    assert_eq!(json!(context(&issue, "http")), told);
    let transaction = only(sink.transactions());
    assert_eq!(transaction.name.as_deref(), Some("POST /orders/{id}"));
    assert_eq!(transaction.tags["http.response.status_code"], "500");
    assert_eq!(
        operation(&transaction),
        ("http.server".to_owned(), Some(SpanStatus::InternalError))
    );
}

/// Otherwise whoever makes methods up makes an issue with each.
#[tokio::test]
async fn requests_with_made_up_methods_are_one_issue() {
    let (sentry, sink) = traced();
    let sentry = Arc::new(sentry.build());
    for method in ["BREW", "WHEN", "POST"] {
        let stack = Stack::builder().with(sentry.clone()).build();
        Request::http(method, "/orders").call(stack, async |_| declined().into()).await;
    }
    let groups: Vec<_> = sink.issues().iter().map(|issue| issue.fingerprint.concat()).collect();
    let expected =
        ["HTTP", "HTTP", "POST"].map(|method| format!("{{{{ default }}}}app{method} /orders"));
    assert_eq!(groups, expected);
}

#[tokio::test]
async fn what_an_issue_of_an_invocation_tells() {
    let (sentry, sink) = traced();
    let deadline = SystemTime::now() + Duration::from_secs(600);
    call(sentry, lambda().deadline(deadline), declined().into()).await;
    let issue = only(sink.issues());
    assert_eq!(issue.transaction.as_deref(), Some("lambda/charge"));
    let tags: Vec<_> = issue.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        tags,
        [
            "app.id=app",
            "cloud.region=eu-central-1",
            "error.source=function",
            "faas.name=charge",
            &format!("request.id={}", Request::ID),
        ]
    );
    let mut told = context(&issue, "aws.lambda").clone();
    let left = told.remove("remaining_time_in_millis").and_then(|left| left.as_u64());
    assert!(left.is_some_and(|left| (1..=600_000).contains(&left)), "{left:?}");
    let expected = json!({
        "aws_request_id": Request::ID, "function_name": "charge", "function_version": "7",
        "invoked_function_arn": "arn:aws:lambda:eu-central-1:123456789012:function:charge",
        "memory_limit_in_mb": 128, "region": "eu-central-1", "cold_start": false,
        "error_kind": "failure",
    });
    assert_eq!(json!(told), expected);
    let logs = json!({ "log_group": "/aws/lambda/charge", "log_stream": "2026/11/21/[7]abc" });
    assert_eq!(json!(context(&issue, "aws.cloudwatch.logs")), logs);
    let transaction = only(sink.transactions());
    assert_eq!(
        operation(&transaction),
        ("function.aws".to_owned(), Some(SpanStatus::InternalError))
    );
}

fn operation(transaction: &Transaction<'_>) -> (String, Option<SpanStatus>) {
    match transaction.contexts.get("trace") {
        Some(Told::Trace(trace)) => (trace.op.clone().unwrap_or_default(), trace.status),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn mistakes_of_the_caller_are_no_issues() {
    let invalid = || Error::of_kind(ErrorKind::InvalidInput, "no").into();
    for (request, outcome, status, issues) in [
        (http(), Outcome::ok(&1), SpanStatus::Ok, 0),
        (http().answers(404), Outcome::ok(&1), SpanStatus::NotFound, 0),
        (http(), invalid(), SpanStatus::InvalidArgument, 0),
        (http().answers(409), declined().into(), SpanStatus::AlreadyExists, 0),
        // Nobody says what failed.
        (http().answers(503), Outcome::ok(&1), SpanStatus::Unavailable, 0),
        (http().answers(503), declined().into(), SpanStatus::Unavailable, 1),
        (lambda(), invalid(), SpanStatus::InternalError, 1),
    ] {
        let (sentry, sink) = traced();
        call(sentry, request, outcome).await;
        assert_eq!(sink.issues().len(), issues, "{status:?}");
        assert_eq!(operation(&only(sink.transactions())).1, Some(status));
    }
}

#[tokio::test]
async fn a_panic_is_one_issue_of_its_request() {
    let (sentry, sink) = traced();
    let stack = Stack::builder().with(sentry.build()).build();
    let handler = async |_| -> Outcome { panic!("no room") };
    assert_eq!(http().call(stack, handler).await.status, 500);
    let issue = only(sink.issues());
    assert_eq!(tag(&issue, "request.id"), Some(Request::ID));
    assert_eq!(exceptions(&issue), [("Panic", "no room")]);
    assert_eq!(issue.level, sentry::Level::Fatal);
}

const SENTRY: &str = "771a43a4192642f0b136d5159a501700-b0e6f15b45c36b12-1";
const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SENTRY_TRACE: &str = "771a43a4192642f0b136d5159a501700";
const W3C_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn the_callers_trace_goes_on() {
    let both = |request: Request| request.trace("sentry-trace", SENTRY).trace("traceparent", W3C);
    let w3c = |request: Request| request.trace("traceparent", W3C);
    for (request, expected, parent) in [
        (both(http()), SENTRY_TRACE, "b0e6f15b45c36b12"),
        (w3c(lambda()), W3C_TRACE, "00f067aa0ba902b7"),
    ] {
        let (sentry, sink) = traced();
        call(sentry, request, declined().into()).await;
        assert_eq!(trace(&only(sink.issues())), expected);
        let transaction = only(sink.transactions());
        let Some(Told::Trace(told)) = transaction.contexts.get("trace") else { panic!("a trace") };
        assert_eq!(told.trace_id.to_string(), expected);
        assert_eq!(told.parent_span_id.map(|id| id.to_string()).as_deref(), Some(parent));
    }
    // Without spans too.
    let (client, sink) = client(options());
    call(Sentry::builder().client(client), w3c(http()), declined().into()).await;
    assert_eq!(trace(&only(sink.issues())), W3C_TRACE);
    let (sentry, sink) = traced();
    call(sentry.continue_traces(false), both(http()), declined().into()).await;
    let own = trace(&only(sink.issues()));
    assert!(own != SENTRY_TRACE && own != W3C_TRACE);
    assert_eq!(trace_of(&only(sink.transactions())), own);
}

fn trace_of(transaction: &Transaction<'_>) -> String {
    match transaction.contexts.get("trace") {
        Some(Told::Trace(trace)) => trace.trace_id.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn another_middleware_that_traces_decides_about_what_w3c_brings() {
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
    let (sentry, sink) = traced();
    let stack = Stack::builder().with(Traces).with(sentry.build()).build();
    let fails = async |_| declined().into();
    http().trace("traceparent", W3C).call(stack, fails).await;
    assert_eq!(trace(&only(sink.issues())), "ab".repeat(16));
}

const LONG: Duration = Duration::from_secs(600);

/// A call whose deadline is in ten minutes and a second, which blocks until the sink has something or for so many
/// seconds, and may fail then.
async fn late(warning: DeadlineWarning, seconds: u64, outcome: Outcome) -> Arc<Sink> {
    let (client, sink) = client(options());
    let sentry = Sentry::builder().client(client).deadline_warning(warning).build();
    let stack = Stack::builder().with(sentry).build();
    let seen = sink.clone();
    let handler = async move |_| {
        sentry::configure_scope(|scope| scope.set_tag("user", "tag"));
        for _ in 0..seconds * 100 {
            if !seen.issues().is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        outcome
    };
    let deadline = SystemTime::now() + LONG + Duration::from_secs(1);
    lambda().deadline(deadline).call(stack, handler).await;
    sink
}

#[tokio::test]
async fn a_warning_before_the_deadline_is_an_issue_by_option() {
    let sink = late(DeadlineWarning::issue(LONG), 60, Outcome::ok(&1)).await;
    let issue = only(sink.issues());
    assert_eq!(issue.message.as_deref(), Some("the call is close to its deadline"));
    assert_eq!(issue.level, sentry::Level::Warning);
    assert_eq!(issue.fingerprint.join("/"), "deadline/app/charge");
    assert_eq!((tag(&issue, "request.id"), tag(&issue, "user")), (Some(Request::ID), Some("tag")));
    assert!(context(&issue, "aws.lambda").contains_key("remaining_time_in_millis"));
}

#[tokio::test]
async fn otherwise_it_is_a_breadcrumb_of_what_follows() {
    let is_there = |sink: Arc<Sink>| {
        let issue = only(sink.issues());
        issue.breadcrumbs.iter().any(|told| told.category.as_deref() == Some("deadline"))
    };
    assert!(is_there(late(DeadlineWarning::breadcrumb(LONG), 3, declined().into()).await));
    assert!(!is_there(late(DeadlineWarning::default(), 0, declined().into()).await));
    assert!(!is_there(late(DeadlineWarning::off(), 0, declined().into()).await));
    assert!(late(DeadlineWarning::breadcrumb(LONG), 2, Outcome::ok(&1)).await.issues().is_empty());
}

struct Sensitive;

impl Middleware for Sensitive {
    fn sensitive(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn nothing_of_a_request_leaves_the_process() {
    let canary = Canary::new("canary \"7f3a\" ü chirps");
    let header = "canary-7f3a-header";
    let body = json!({ "note": canary.text() }).to_string();
    let parts = || {
        let request = http::Request::post(format!("/orders/7?q={header}"))
            .header("host", "shop.example")
            .header("authorization", header)
            .header("cookie", header)
            .header("x-forwarded-for", header)
            .header("referer", format!("https://shop.example/?q={header}"));
        request.body(()).expect("a request").into_parts().0
    };
    let (sentry, sink) = traced();
    let stack = Stack::builder().with(sentry.request_data(true).build()).with(Sensitive);
    let stack = Arc::new(stack.build());
    for request in [http().platform(parts()), lambda().platform(parts())] {
        let fails = async |payload: Payload| {
            Error::message(format!("no room for {:?}", payload.value().expect("JSON"))).into()
        };
        request.payload(&body).trace("x-note", header).call(stack.clone(), fails).await;
    }
    assert_eq!((sink.issues().len(), sink.transactions().len()), (2, 2));
    canary.assert_absent("envelopes", sink.bytes());
    Canary::new(header).assert_absent("envelopes", sink.bytes());
    let request = sink.issues().remove(0).request.expect("asked for");
    assert_eq!(request.url.map(String::from).as_deref(), Some("http://shop.example/orders/7"));
}
